// How the service itself fares: whether counts agree, what was refused and why, what was pushed, who did what.
import { html, useEffect } from './dom.js';
import { get } from './api.js';
import { useNow } from './clock.js';
import { count, exact, fullTime, shortTime } from './format.js';
import { t } from './i18n.js';
import { useEvent } from './live.js';
import { auditName, deliveryStateName, taskStateName } from './names.js';
import { Deliveries } from './alert.js';
import { Empty, Failure, Loading, Panel, useRead, useThrottle } from './parts.js';

function Reading({ read, empty, children }) {
  if (!read.data) return read.error ? html`<${Failure} error=${read.error} retry=${read.reload} />` : html`<${Loading} rows=${4} />`;
  return html`${read.error && html`<${Failure} error=${read.error} retry=${read.reload} />`}${empty(read.data) ?? children(read.data)}`;
}

const Totals = ({ data }) => html`
  <section class="kpis">
    <div class="kpi"><span class="kpi-title">${t('system.stored')}</span><span class="kpi-value">${exact(data.feedback)}</span><span class="kpi-note"></span></div>
    ${['1m', '1h', '1d'].map((size) => {
    const apart = data.windows[size] - data.feedback;
    return html`<div class="kpi" key=${size}><span class="kpi-title">${t('system.windows')} · ${t(`system.window.${size}`)}</span><span class="kpi-value">${exact(data.windows[size])}</span>
        <span class="kpi-note" title=${apart ? t('system.differHint') : ''}>${apart ? html`<span class="tone-warn">${t('system.differ', { n: exact(Math.abs(apart)) })}</span>` : html`<span class="tone-good">✓ ${t('system.agree')}</span>`}</span></div>`;
  })}
    <div class="kpi"><span class="kpi-title">${t('system.dead')}</span><span class=${`kpi-value ${data.dead_letters ? 'tone-warn' : ''}`}>${exact(data.dead_letters)}</span><span class="kpi-note"></span></div>
    <div class="kpi"><span class="kpi-title">${t('system.pushes')}</span><span class="kpi-value">${exact(data.deliveries.delivered ?? 0)}</span>
      <span class="kpi-note">${['queued', 'failed'].map((name) => html`<span key=${name} class=${name === 'failed' && data.deliveries[name] ? 'tone-bad' : ''}>${deliveryStateName(name)} ${count(data.deliveries[name] ?? 0)}</span> `)}</span></div>
  </section>`;

const Tasks = ({ data }) => html`
  <ul class="tasks">
    ${data.tasks.map((task) => html`<li key=${task.name}><span class=${`dot tk-${task.state}`}></span><code>${task.name}</code><span class=${`tk-${task.state}`}>${taskStateName(task.state)}</span>${task.reason && html`<span class="task-reason faint">${task.reason}</span>`}</li>`)}
  </ul>`;

const Sources = ({ rows, now }) => html`
  <div class="scroll"><table>
    <thead><tr><th>${t('source.name')}</th><th>${t('source.state')}</th><th>${t('source.last')}</th><th>${t('source.ok')}</th><th>${t('source.lag')}</th></tr></thead>
    <tbody>${rows.map((row) => {
    const state = row.trouble ? 'trouble' : row.silence === 'none' ? 'well' : 'silent';
    const tone = row.trouble || row.silence === 'alert' ? 'tone-bad' : row.silence === 'watch' ? 'tone-warn' : 'tone-good';
    const when = (at) => (at ? html`<time datetime=${at} title=${fullTime(at)}>${shortTime(at, now)}</time>` : '–');
    return html`<tr key=${row.source}><td><code>${row.source}</code> <span class="faint">${row.connector}</span></td>
      <td class=${tone} title=${row.trouble?.reason ?? ''}>${t(`source.${state}`)}${row.trouble && html` · <code>${row.trouble.class}</code>`}</td>
      <td>${when(row.last_event_at)}</td><td>${when(row.last_ok_at)}</td><td>${row.lag_seconds == null ? '–' : t('time.s', { n: row.lag_seconds })}</td></tr>`;
  })}</tbody>
  </table></div>`;

const origin = (from) => (from.from === 'topic' ? `${from.topic} / ${from.partition} / ${from.offset}` : `${from.source} · ${from.place}${from.line ? `:${from.line}` : ''}`);

const DeadLetters = ({ rows, now }) => html`
  <ul class="dead">
    ${rows.map((row) => html`
      <li key=${row.id}>
        <div class="meta"><time datetime=${row.at} title=${fullTime(row.at)}>${shortTime(row.at, now)}</time><code>${row.stage}</code><code class="origin">${origin(row.origin)}</code></div>
        <p class="reason">${row.reason}</p>
        ${(row.payload || row.payload_base64) && html`<details><summary>${t('system.payload')}</summary><pre>${row.payload ?? row.payload_base64}</pre></details>`}
      </li>`)}
  </ul>`;

const Audit = ({ rows, now }) => html`
  <div class="scroll"><table>
    <thead><tr><th>${t('column.time')}</th><th>${t('column.actor')}</th><th>${t('column.action')}</th><th>${t('column.object')}</th><th>${t('column.detail')}</th></tr></thead>
    <tbody>${rows.map((row, i) => html`<tr key=${i}><td><time title=${fullTime(row.at)}>${shortTime(row.at, now)}</time></td><td>${row.actor}</td><td>${auditName(row.action)}</td>
      <td>${row.action.startsWith('alert.') ? html`<a class="link" href=${`#/alerts/${row.object}`}><code>${row.object.slice(0, 8)}</code></a>` : row.object}</td><td class="faint">${row.detail.replace(/^command [0-9a-f]+: ?/, '')}</td></tr>`)}</tbody>
  </table></div>`;

export function System({ me }) {
  const now = useNow();
  const totals = useRead(() => get('/totals'), []);
  const health = useRead(() => get('/health'), []);
  const sources = useRead(() => get('/sources'), []);
  const dead = useRead(() => get('/dead-letters', { limit: 30 }), []);
  const deliveries = useRead(() => get('/deliveries', { limit: 30 }), []);
  const audit = useRead(() => (me.role === 'admin' ? get('/audit', { limit: 40 }) : Promise.resolve({ entries: [] })), []);
  const all = () => [totals, health, sources, dead, deliveries, audit].forEach((read) => read.reload());
  const again = useThrottle(all, 3000);
  useEvent('overview', again);
  useEvent('deliveries', again);
  useEvent('alert', again);
  useEvent('reload', again);
  useEffect(() => { const timer = setInterval(() => { health.reload(); sources.reload(); }, 10000); return () => clearInterval(timer); }, []);
  return html`
    <div class="controls"><h1>${t('nav.system')}<small>${t('system.version', { version: me.version })}</small></h1></div>
    <${Reading} read=${totals} empty=${() => null}>${(data) => html`<${Totals} data=${data} />`}<//>
    <div class="grid grid-2">
      <div class="stack">
      <${Panel} title=${t('system.deadTitle')}>
        <${Reading} read=${dead} empty=${(data) => (data.rows.length ? null : html`<${Empty} title=${t('system.deadNone')} />`)}>${(data) => html`<${DeadLetters} rows=${data.rows} now=${now} />`}<//>
      <//>
      ${me.role === 'admin' && html`<${Panel} title=${t('system.audit')}>
        <${Reading} read=${audit} empty=${(data) => (data.entries.length ? null : html`<${Empty} title=${t('system.auditNone')} />`)}>${(data) => html`<${Audit} rows=${data.entries} now=${now} />`}<//>
      <//>`}
      </div>
      <div class="stack">
      <${Panel} title=${t('system.tasks')} aside=${health.data && html`<span class=${health.data.ready ? 'tone-good' : 'tone-warn'}>${health.data.ready ? t('system.allRunning') : t('system.tasksMore', { n: health.data.tasks.length })}</span>`}>
        <${Reading} read=${health} empty=${() => null}>${(data) => html`<${Tasks} data=${data} />`}<//>
      <//>
      <${Panel} title=${t('source.title')}>
        <${Reading} read=${sources} empty=${(data) => (data.sources.length ? null : html`<${Empty} title=${t('source.none')} />`)}>${(data) => html`<${Sources} rows=${data.sources} now=${now} />`}<//>
      <//>
      <${Panel} title=${t('system.deliveries')}>
        <${Reading} read=${deliveries} empty=${(data) => (data.deliveries.length ? null : html`<${Empty} title=${t('system.deliveriesNone')} />`)}>${(data) => html`<${Deliveries} rows=${data.deliveries} now=${now} />`}<//>
      <//>
      </div>
    </div>
    <p class="foot">${t('time.zone', { zone: me.time_zone })}</p>`;
}
