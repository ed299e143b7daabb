// Alerts with running clocks: the list, and beside it the one that is open.
import { html, useState } from './dom.js';
import { get } from './api.js';
import { isOpen, pressing, useNow } from './clock.js';
import { clockSpan, shortTime } from './format.js';
import { t } from './i18n.js';
import { useEvent } from './live.js';
import { deadlineName, stateName, topicName } from './names.js';
import { AlertDetail } from './alert.js';
import { Detection } from './detection.js';
import { Channel, Empty, Failure, Loading, Segmented, Severity, useRead, useThrottle } from './parts.js';

/** The clock of a row: what is due, how long is left, how urgent. */
export function RowClock({ alert, now }) {
  const due = pressing(alert, now);
  if (!due) return html`<span class=${`row-clock ${alert.clock ? 'd-done' : 'd-none'}`}><b>${alert.clock ? '✓' : '–'}</b><small>${alert.clock ? stateName(alert.state.name) : t('alerts.noClock')}</small></span>`;
  return html`
    <span class=${`row-clock d-${due.level}`} role="timer" aria-label=${`${deadlineName(due.kind)} ${due.left > 0 ? t('alerts.left') : t('alerts.over')} ${clockSpan(due.left)}`}>
      <b>${due.left > 0 ? '' : '−'}${clockSpan(due.left)}</b>
      <small>${deadlineName(due.kind)}${due.left > 0 ? '' : ` ${t('alerts.over')}`}</small>
    </span>`;
}

function Row({ alert, now, chosen }) {
  const due = pressing(alert, now);
  return html`
    <li>
      <a class=${`alert-row s-${alert.severity} ${!isOpen(alert) ? 'is-resolved' : ''}`} href=${`#/alerts/${alert.id}`} aria-current=${chosen ? 'true' : undefined}>
        <span class="alert-main">
          <span class="alert-line"><${Severity} name=${alert.severity} /><span class=${`state st-${alert.state.name}`}>${stateName(alert.state.name)}</span>${alert.drill && html`<span class="drill">${t('alerts.drill')}</span>`}<time datetime=${alert.times.raised_at}>${shortTime(alert.times.raised_at, now)}</time></span>
          <span class="alert-title">${alert.title}</span>
          <span class="alert-line faint"><span>${alert.brand}</span><span>${topicName(alert.topic)}</span><span>${t('alerts.signals', { n: alert.signals })}</span><span class="alert-channels">${alert.channels.map((name) => html`<${Channel} key=${name} name=${name} />`)}</span></span>
        </span>
        <${RowClock} alert=${alert} now=${now} />
        ${due && html`<span class=${`track d-${due.level}`} aria-hidden="true"><i style=${{ width: `${due.share * 100}%` }}></i></span>`}
      </a>
    </li>`;
}

export function Alerts({ id, brand, me }) {
  const now = useNow();
  const [filter, setFilter] = useState('open');
  const list = useRead(() => get('/alerts', { brand, open: filter === 'open' ? true : '', limit: 200 }), [brand, filter]);
  const again = useThrottle(list.reload, 400);
  useEvent('alert', again);
  useEvent('reload', again);
  const alerts = list.data?.alerts;
  return html`
    <div class=${`split ${id ? 'has-detail' : ''}`}>
      <section class="split-list" aria-label=${t('alerts.list')}>
        <div class="controls">
          <h1>${t('nav.alerts')}</h1>
          <${Segmented} label=${t('alerts.filter')} value=${filter} onChange=${setFilter} options=${[['open', t('alerts.open')], ['all', t('alerts.all')]]} />
        </div>
        ${list.error && html`<${Failure} error=${list.error} retry=${list.reload} />`}
        ${!alerts && !list.error && html`<${Loading} rows=${6} />`}
        ${alerts && !alerts.length && html`<${Empty} title=${t(filter === 'open' ? 'alerts.empty' : 'alerts.emptyAll')} hint=${t('alerts.emptyHint')} />`}
        ${alerts && alerts.length > 0 && html`<ol class="alert-list">${alerts.map((alert) => html`<${Row} key=${alert.id} alert=${alert} now=${now} chosen=${alert.id === id} />`)}</ol>`}
      </section>
      ${id ? html`<section class="split-detail"><${AlertDetail} key=${id} id=${id} me=${me} /></section>` : html`
        <section class="split-beside stack">
          ${alerts?.length > 0 && html`<${Empty} title=${t('alerts.pick')} />`}
          <${Detection} brand=${brand} now=${now} />
        </section>`}
    </div>`;
}
