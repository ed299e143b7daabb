// The first page: how loud, how content, where, about what, and what is due next.
import { html, useState } from './dom.js';
import { get } from './api.js';
import { VolumeChart } from './chart.js';
import { useNow } from './clock.js';
import { ago, clockSpan, count, decimal, exact, percent } from './format.js';
import { Hot } from './hot.js';
import { keep, kept, t } from './i18n.js';
import { useEvent } from './live.js';
import { deadlineName, topicName } from './names.js';
import { Channel, Empty, Failure, Highlighted, Label, Loading, Panel, Segmented, Severity, Shares, useRead, useThrottle } from './parts.js';
import { Ratings } from './ratings.js';

const RANGES = ['1h', '6h', '24h', '7d', '30d', 'all'];

function Kpi({ title, value, unit, note, tone, href }) {
  const inside = html`
    <span class="kpi-title">${title}</span>
    <span class=${`kpi-value ${tone ? `tone-${tone}` : ''}`}>${value}${unit && html`<small>${unit}</small>`}</span>
    <span class="kpi-note">${note ?? ''}</span>`;
  return href ? html`<a class="kpi" href=${href}>${inside}</a>` : html`<div class="kpi">${inside}</div>`;
}

/** The change against the stretch before; more discontent is bad news, whatever the volume does. */
function Change({ value, unit, badWhenUp }) {
  if (value === null || !Number.isFinite(value)) return null;
  const small = Math.abs(value) < 0.05;
  const tone = small || badWhenUp === undefined ? '' : (value > 0) === badWhenUp ? 'tone-bad' : 'tone-good';
  const arrow = small ? '→' : value > 0 ? '↑' : '↓';
  return html`<span class=${tone} title=${t('kpi.change')}>${arrow} ${Math.abs(value).toFixed(1)}${unit}</span>`;
}

function NextDeadline({ next }) {
  const now = useNow();
  if (!next) return html`<${Kpi} title=${t('kpi.next')} value="–" note=${t('kpi.next.none')} />`;
  const left = new Date(next.due_at).getTime() - now;
  return html`<${Kpi} title=${`${t('kpi.next')} · ${deadlineName(next.kind)}`} href=${`#/alerts/${next.alert}`}
    value=${clockSpan(left)} tone=${left < 300000 ? 'bad' : left < 900000 ? 'warn' : ''}
    note=${html`<${Severity} name=${next.severity} /> ${next.title}`} />`;
}

function Kpis({ data }) {
  const { totals, previous, today, alerts } = data;
  const before = previous && previous.volume > 0 ? previous : null;
  const points = before && totals.negative_share !== null ? (totals.negative_share - before.negative_share) * 100 : null;
  const volume = before ? ((totals.volume - before.volume) / before.volume) * 100 : null;
  const nps = totals.nps_promoters + totals.nps_passives + totals.nps_detractors;
  const answers = (n) => (n > 0 ? t('kpi.answers', { n: count(n) }) : t('kpi.noAnswers'));
  return html`
    <section class="kpis">
      <${Kpi} title=${t('kpi.today')} value=${count(today.volume)} note=${t('kpi.today.of', { n: count(today.negative) })} />
      <${Kpi} title=${t('kpi.volume')} value=${count(totals.volume)} note=${html`<${Change} value=${volume} unit="%" /> ${t('kpi.volume.of', { n: count(data.authors) })}`} />
      <${Kpi} title=${t('kpi.negative')} value=${percent(totals.negative_share)} note=${html`<${Change} value=${points} unit=${` ${t('kpi.points', { n: '' }).trim()}`} badWhenUp=${true} />`} />
      <${Kpi} title=${t('kpi.nps')} value=${decimal(totals.nps, 0)} note=${answers(nps)} />
      <${Kpi} title=${t('kpi.csat')} value=${totals.csat === null ? '–' : totals.csat.toFixed(0)} unit=${totals.csat === null ? '' : '%'} note=${answers(totals.csat_count)} />
      <${Kpi} title=${t('kpi.ces')} value=${decimal(totals.ces)} note=${totals.ces_count ? t('kpi.ces.of') : t('kpi.noAnswers')} />
      <${Kpi} title=${t('kpi.open')} value=${count(alerts.open)} href="#/alerts" tone=${alerts.unacknowledged ? 'bad' : ''}
        note=${html`${t('kpi.open.of', { n: alerts.unacknowledged })}${alerts.overdue > 0 && html` · <span class="tone-bad">${t('kpi.overdue', { n: alerts.overdue })}</span>`}`} />
      <${NextDeadline} next=${alerts.next_deadline} />
    </section>`;
}

const Channels = ({ rows }) => (rows.length ? html`
  <ol class="bars">
    ${rows.map((row) => html`
      <li key=${row.name}>
        <span class="bars-name"><${Channel} name=${row.name} /></span>
        <${Shares} counts=${row} />
        <span class="bars-value" title=${exact(row.volume)}>${count(row.volume)}</span>
        <span class="bars-share tone-negative">${percent(row.negative_share, 0)}</span>
      </li>`)}
  </ol>` : html`<${Empty} title=${t('chart.empty')} />`);

const Topics = ({ rows }) => (rows.length ? html`
  <ol class="bars">
    ${rows.slice(0, 8).map((row) => html`
      <li key=${row.name}>
        <span class="bars-name">${topicName(row.name)}</span>
        <${Shares} counts=${row} />
        <span class="bars-value" title=${exact(row.volume)}>${count(row.volume)}</span>
        <span class="bars-share tone-negative">${percent(row.negative_share, 0)}</span>
      </li>`)}
  </ol>` : html`<${Empty} title=${t('empty.topics')} />`);

function Latest({ brand }) {
  const now = useNow();
  const list = useRead(() => get('/feedback', { brand, limit: 8 }), [brand]);
  const again = useThrottle(list.reload, 1500);
  useEvent('feedback', again);
  useEvent('reload', again);
  if (!list.data) return list.error ? html`<${Failure} error=${list.error} retry=${list.reload} />` : html`<${Loading} rows=${6} />`;
  if (!list.data.rows.length) return html`<${Empty} title=${t('feedback.none')} hint=${t('feedback.noneHint')} />`;
  return html`<ol class="latest">
    ${list.data.rows.map((row) => html`
      <li key=${row.feedback.id} class=${`e-${row.sentiment.label}`}>
        <div class="meta"><${Channel} name=${row.feedback.channel} /><span>${row.feedback.brand}</span><time datetime=${row.feedback.occurred_at}>${ago(row.feedback.occurred_at, now)}</time><${Label} name=${row.sentiment.label} /></div>
        <${Highlighted} text=${row.feedback.text} spans=${row.sentiment.spans} />
      </li>`)}
  </ol>`;
}

export function Overview({ brand }) {
  const [range, setRange] = useState(RANGES.includes(kept().range) ? kept().range : '1h');
  const [mode, setMode] = useState(kept().mode === 'channel' ? 'channel' : 'sentiment');
  const overview = useRead(() => get('/overview', { range, brand }), [range, brand]);
  const again = useThrottle(overview.reload, 2000);
  useEvent('overview', again);
  useEvent('alert', again);
  useEvent('reload', again);
  const choose = (set, name) => (value) => { set(value); keep({ [name]: value }); };
  const { data, error } = overview;
  const controls = html`
    <div class="controls">
      <h1>${t('nav.overview')}${brand && html`<small>${brand}</small>`}</h1>
      <${Segmented} label=${t('range.label')} value=${range} onChange=${choose(setRange, 'range')} options=${RANGES.map((name) => [name, t(`range.${name}`)])} />
    </div>`;
  if (!data) return html`${controls}${error ? html`<${Failure} error=${error} retry=${overview.reload} />` : html`<${Loading} rows=${8} />`}`;
  return html`
    ${controls}
    ${error && html`<${Failure} error=${error} retry=${overview.reload} />`}
    <${Kpis} data=${data} />
    <div class="grid">
      <${Panel} className="wide-2" title=${t(`chart.volume.${data.size}`)} aside=${html`
        <${Segmented} label=${t('chart.mode')} value=${mode} onChange=${choose(setMode, 'mode')} options=${[['sentiment', t('chart.bySentiment')], ['channel', t('chart.byChannel')]]} />`}>
        <${VolumeChart} overview=${data} mode=${mode} />
      <//>
      <${Panel} title=${t('channels.title')}><${Channels} rows=${data.channels} /><//>
      <${Panel} title=${t('topics.title')} hint=${t('topics.hint')}><${Topics} rows=${data.topics} /><//>
      <${Hot} range=${range} brand=${brand} keywords=${data.keywords} />
      <${Panel} title=${t('latest.title')} aside=${html`<a class="link" href="#/feedback">${t('latest.all')}</a>`}><${Latest} brand=${brand} /><//>
      <${Ratings} range=${range} brand=${brand} />
    </div>
    <p class="foot">${t('time.zone', { zone: data.time_zone })}</p>`;
}
