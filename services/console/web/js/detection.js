// What detection noted for information, and how often the alerts of each rule were false.
import { html, useState } from './dom.js';
import { get } from './api.js';
import { exact, fullTime, percent, shortTime } from './format.js';
import { t } from './i18n.js';
import { useEvent } from './live.js';
import { causeName } from './names.js';
import { Empty, Failure, Loading, Panel, Segmented, useRead, useThrottle } from './parts.js';

const minutes = (seconds) => (seconds < 7200 ? t('rises.minutes', { n: seconds / 60 }) : t('rises.hours', { n: seconds / 3600 }));

const Rises = ({ rises, now }) => html`
  <div class="scroll"><table>
    <thead><tr><th>${t('rises.when')}</th><th>${t('rises.brand')}</th><th>${t('rises.pieces')}</th><th>${t('rises.usual')}</th></tr></thead>
    <tbody>${rises.map((rise) => html`
      <tr key=${rise.id}><td><time datetime=${rise.times.occurred_at} title=${fullTime(rise.times.occurred_at)}>${shortTime(rise.times.occurred_at, now)}</time></td>
        <td>${rise.brand}</td><td>${t('rises.within', { n: exact(rise.pieces), span: minutes(rise.window_seconds) })}</td><td>${exact(rise.usual)}</td></tr>`)}</tbody>
  </table></div>`;

const reasons = (row) => row.reasons.map(({ reason, alerts }) => `${reason} ×${alerts}`).join('；');

const Judged = ({ rows, name }) => html`
  <div class="scroll"><table>
    <thead><tr><th>${name}</th><th>${t('judged.raised')}</th><th>${t('judged.confirmed')}</th><th>${t('judged.dismissed')}</th><th>${t('judged.open')}</th><th>${t('judged.precision')}</th><th>${t('judged.reasons')}</th></tr></thead>
    <tbody>${rows.map((row) => html`
      <tr key=${`${row.brand}|${row.rule ?? ''}`}><td>${row.rule ? html`${causeName(row.rule)} <span class="faint">${row.brand}</span>` : row.brand}</td>
        <td>${exact(row.raised)}</td><td>${exact(row.confirmed)}</td><td>${exact(row.dismissed)}</td><td>${exact(row.open)}</td>
        <td>${percent(row.precision, 0)}</td><td class="faint">${reasons(row) || '–'}</td></tr>`)}</tbody>
  </table></div>`;

/** Those with the most false alarms first. */
const worst = (rows) => [...rows].sort((a, b) => b.dismissed - a.dismissed || b.raised - a.raised);

function Read({ read, children }) {
  if (!read.data) return read.error ? html`<${Failure} error=${read.error} retry=${read.reload} />` : html`<${Loading} rows=${3} />`;
  return children(read.data);
}

export function Detection({ brand, now }) {
  const [range, setRange] = useState('30d');
  const judged = useRead(() => get('/precision', { brand, range }), [brand, range]);
  const noted = useRead(() => get('/rises', { brand, limit: 10 }), [brand]);
  const again = useThrottle(() => { judged.reload(); noted.reload(); }, 5000);
  useEvent('alert', again);
  useEvent('reload', again);
  return html`
    <div class="stack detection">
      <${Panel} title=${t('judged.title')} hint=${t('judged.hint')} aside=${html`<${Segmented} label=${t('judged.range')} value=${range} onChange=${setRange} options=${['7d', '30d', 'all'].map((name) => [name, t(`range.${name}`)])} />`}>
        <${Read} read=${judged}>${(data) => (data.rules.length ? html`<${Judged} rows=${worst(data.rules)} name=${t('judged.rule')} /><${Judged} rows=${worst(data.brands)} name=${t('judged.brand')} />` : html`<${Empty} title=${t('judged.empty')} />`)}<//>
      <//>
      <${Panel} title=${t('rises.title')} hint=${t('rises.hint')}>
        <${Read} read=${noted}>${(data) => (data.rises.length ? html`<${Rises} rises=${data.rises} now=${now} />` : html`<${Empty} title=${t('rises.empty')} />`)}<//>
      <//>
    </div>`;
}
