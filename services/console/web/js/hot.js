// What is spoken of: words and phrases that rise against their own past, with the posts behind them; or simply what is said most.
import { html, useState } from './dom.js';
import { get } from './api.js';
import { useNow } from './clock.js';
import { ago, count, exact, percent } from './format.js';
import { keep, kept, t } from './i18n.js';
import { useEvent } from './live.js';
import { labelName } from './names.js';
import { Channel, Empty, Failure, Highlighted, Label, Loading, Panel, Segmented, useRead, useThrottle } from './parts.js';

const SHOWN = 8;
const SAMPLES = 5;

function Frequent({ rows }) {
  if (!rows.length) return html`<${Empty} title=${t('empty.keywords')} />`;
  const most = rows[0].count;
  return html`<ol class="keywords">
    ${rows.slice(0, 24).map(({ term, count: n }) => html`
      <li key=${term} style=${{ '--weight': Math.sqrt(n / most).toFixed(3) }}><span>${term}</span><b>${count(n)}</b></li>`)}
  </ol>`;
}

/** The latest posts that hold the term, in the same stretch of time. */
function Samples({ term, hot, brand }) {
  const now = useNow();
  const posts = useRead(
    () => get('/feedback', { term, brand, from: hot.from, to: hot.to, drill: false, limit: SAMPLES }),
    [term, brand, hot.from, hot.to],
  );
  if (!posts.data) return posts.error ? html`<${Failure} error=${posts.error} retry=${posts.reload} />` : html`<${Loading} rows=${3} />`;
  if (!posts.data.rows.length) return html`<p class="faint">${t('hot.noSamples')}</p>`;
  return html`<ol class="hot-samples">
    ${posts.data.rows.map((row) => html`
      <li key=${row.feedback.id} class=${`e-${row.sentiment.label}`}>
        <div class="meta"><${Channel} name=${row.feedback.channel} /><span>${row.feedback.brand}</span><time datetime=${row.feedback.occurred_at}>${ago(row.feedback.occurred_at, now)}</time><${Label} name=${row.sentiment.label} /></div>
        <${Highlighted} text=${row.feedback.text} spans=${row.sentiment.spans} />
      </li>`)}
  </ol>`;
}

/** How much more than before: a multiple, or that it was never said. */
function Rise({ term }) {
  if (term.rise === null) return html`<span class="hot-rise"></span>`;
  const title = t('hot.before', { n: exact(term.mentions_before) });
  if (term.mentions_before <= 0) return html`<span class="hot-rise is-new" title=${title}>${t('hot.new')}</span>`;
  return html`<span class="hot-rise" title=${title}>↑ ${t('hot.times', { n: term.rise < 10 ? term.rise.toFixed(1) : count(Math.round(term.rise)) })}</span>`;
}

function Rising({ range, brand }) {
  const [open, setOpen] = useState(null);
  const hot = useRead(() => get('/hot-terms', { range, brand, limit: SHOWN }), [range, brand]);
  const again = useThrottle(hot.reload, 5000);
  useEvent('overview', again);
  useEvent('reload', again);
  const { data, error } = hot;
  if (!data) return error ? html`<${Failure} error=${error} retry=${hot.reload} />` : html`<${Loading} rows=${6} />`;
  const past = data.volume_before > 0;
  const note = past || data.before === null ? `hot.past.${data.range}` : 'hot.noPast';
  if (!data.terms.length) return html`<${Empty} title=${t(past ? 'hot.none' : 'empty.keywords')} hint=${past ? t(note) : ''} />`;
  return html`
    <p class="faint hot-head"><span>${t(note)}</span><span>${t('hot.mentionsHead')}</span><span>${labelName('negative')}</span></p>
    <ol class="hot">
      ${data.terms.map((term) => html`
        <li key=${term.term}>
          <button type="button" class="hot-row" aria-expanded=${String(open === term.term)} onClick=${() => setOpen(open === term.term ? null : term.term)}>
            <span class="hot-term">${term.term}</span>
            <${Rise} term=${term} />
            <span class="hot-count" title=${t('hot.mentions', { n: exact(term.mentions) })}>${count(term.mentions)}</span>
            <span class=${`hot-negative ${term.negative * 2 >= term.mentions ? 'tone-negative' : ''}`} title=${t('hot.negative', { n: exact(term.negative) })}>${percent(term.negative / term.mentions, 0)}</span>
          </button>
          ${open === term.term && html`<${Samples} term=${term.term} hot=${data} brand=${brand} />`}
        </li>`)}
    </ol>`;
}

export function Hot({ range, brand, keywords }) {
  const [mode, setMode] = useState(kept().words === 'frequent' ? 'frequent' : 'rising');
  const choose = (value) => { setMode(value); keep({ words: value }); };
  return html`
    <${Panel} className="panel-hot" title=${t('keywords.title')} hint=${t('hot.hint')} aside=${html`
      <${Segmented} label=${t('hot.mode')} value=${mode} onChange=${choose} options=${[['rising', t('hot.rising')], ['frequent', t('hot.frequent')]]} />`}>
      ${mode === 'rising' ? html`<${Rising} range=${range} brand=${brand} />` : html`<${Frequent} rows=${keywords} />`}
    <//>`;
}
