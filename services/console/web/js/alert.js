// One alert: its clock, what to do, why it was raised, and the proof of who was told when.
import { html, useEffect, useState } from './dom.js';
import { Actions, useActing } from './actions.js';
import { get, post } from './api.js';
import { counts, deadlineAt, useNow } from './clock.js';
import { ago, clockSpan, clockTime, count, fullTime, shortTime, span } from './format.js';
import { People, Proof, Statements, Steps } from './handling.js';
import { t } from './i18n.js';
import { useEvent } from './live.js';
import { actionName, actorName, causeName, deadlineName, deliveryStateName, escalationName, notificationName, providerName, severityName, stateName, stepName, topicName } from './names.js';
import { Channel, Empty, Failure, Loading, Severity, useRead, useThrottle } from './parts.js';

const ms = (value) => new Date(value).getTime();

function Deadline({ deadline, clock, open, now }) {
  const due = deadlineAt(deadline, clock, now, open);
  const words = {
    met: () => t('clock.met', { span: span(due.took) }),
    late: () => t('clock.late', { over: span(due.over), span: span(due.took) }),
    void: () => t('clock.void'),
  }[due.level];
  const running = !words;
  return html`
    <div class=${`deadline d-${due.level}`} role=${running ? 'timer' : undefined}>
      <span class="deadline-name">${deadlineName(due.kind)}</span>
      ${running
    ? html`<b class="deadline-clock">${due.left > 0 ? '' : '−'}${clockSpan(due.left)}</b><span class="deadline-word">${due.left > 0 ? t('alerts.left') : t('alerts.over')}</span>`
    : html`<b class="deadline-clock">${due.level === 'void' ? '–' : due.level === 'late' ? '!' : '✓'}</b><span class="deadline-word">${words()}</span>`}
      <span class="track"><i style=${{ width: `${due.share * 100}%` }}></i>${[50, 75, 90].map((at) => html`<s key=${at} style=${{ left: `${at}%` }}></s>`)}</span>
      <span class="deadline-due">${t('clock.due', { time: shortTime(due.due, now) })}${deadline.nudged.length > 0 && html` · ${t('clock.nudged', { list: deadline.nudged.map((n) => `${n}%`).join(' ') })}`}</span>
    </div>`;
}

function Clock({ alert, now }) {
  if (!alert.clock) return html`<p class="faint">${t('clock.none')}</p>`;
  return html`
    <div class="clock" aria-label=${t('clock.title')}>
      ${alert.clock.deadlines.map((deadline) => html`<${Deadline} key=${deadline.kind} deadline=${deadline} clock=${alert.clock} open=${counts(alert, deadline)} now=${now} />`)}
    </div>
    <p class="faint clock-level">${t('clock.escalation', { level: escalationName(alert.clock.escalation) })}</p>`;
}

/** Where the time went, from the customer's words to the push. */
function Latency({ alert, deliveries }) {
  const pushed = deliveries.filter((d) => d.state === 'delivered').map((d) => ms(d.delivered_at)).sort((a, b) => a - b)[0];
  const { times } = alert;
  const steps = [
    ['occurred', times.occurred_at], ['observed', times.observed_at], ['enriched', times.enriched_at],
    ['detected', times.detected_at], ['raised', times.raised_at], ['pushed', pushed],
  ];
  const ours = pushed ? pushed - ms(times.observed_at) : null;
  return html`
    <ol class="latency">
      ${steps.map(([name, at], i) => {
    const before = i > 0 ? ms(steps[i - 1][1]) : null;
    return html`<li key=${name} class=${at ? '' : 'is-open'}>
          ${i > 0 && html`<span class="latency-span">${at ? `+${span(ms(at) - before)}` : t('step.waiting')}</span>`}
          <i></i><span class="latency-name">${t(`step.${name}`)}</span><time datetime=${at ? new Date(at).toISOString() : ''}>${at ? clockTime(at) : '–'}</time>
        </li>`;
  })}
    </ol>
    <p class="faint">${t('step.first_post')} ${fullTime(times.first_post_at)}${ours !== null && html` · ${t('detail.latencyOurs', { span: span(ours) })} · ${t('detail.latencyTotal', { span: span(pushed - ms(times.first_post_at)) })}`}</p>`;
}

function eventText(entry) {
  return t(`event.${entry.event}`, {
    kind: causeName(entry.kind), from: severityName(entry.from), to: entry.event === 'escalated' ? escalationName(entry.to) : severityName(entry.to),
    deadline: deadlineName(entry.deadline), percent: entry.percent, action: actionName(entry.action),
    reason: entry.reason, person: entry.person ?? entry.to, members: entry.members?.join('、'), step: stepName(entry.step), version: entry.version,
    owner: entry.owner ?? '', n: entry.signals?.length, receiver: entry.receiver, answer: entry.answer,
    state: deliveryStateName(entry.state), told: notificationName(entry.kind), level: escalationName(entry.audience),
  });
}

const Timeline = ({ entries, now }) => html`
  <ol class="timeline">
    ${[...entries].reverse().map((entry, i) => html`
      <li key=${i} class=${`t-${entry.event}`}>
        <time datetime=${entry.at} title=${fullTime(entry.at)}>${shortTime(entry.at, now)}</time>
        <span><b>${eventText(entry)}</b> <span class="faint">${actorName(entry.actor)}</span>${entry.note && html`<q>${entry.note}</q>`}</span>
      </li>`)}
  </ol>`;

export function deliveryResult(delivery, now) {
  if (delivery.state === 'delivered') return [shortTime(delivery.delivered_at, now), delivery.answer];
  if (delivery.state === 'failed') return [shortTime(delivery.failed_at, now), delivery.reason];
  return [t('delivery.next', { time: shortTime(delivery.next_attempt_at, now) }), delivery.last_answer ?? ''];
}

export const Deliveries = ({ rows, now }) => html`
  <ul class="deliveries">
    ${rows.map((row) => {
    const [when, answer] = deliveryResult(row, now);
    return html`<li key=${row.id}>
        <span class=${`dot dl-${row.state}`}></span>
        <span class="delivery-who"><b>${row.receiver}</b> <span class="faint">${providerName(row.provider)} · ${notificationName(row.kind)}</span></span>
        <span class=${`delivery-state dl-${row.state}`}>${deliveryStateName(row.state)}${row.attempts > 1 && html` · ${t('delivery.attempts', { n: row.attempts })}`}</span>
        <time>${when}</time>
        <span class="delivery-answer faint" title=${answer}>${answer}</span>
      </li>`;
  })}
  </ul>`;

const Samples = ({ samples, now }) => (samples.length ? html`
  <ol class="samples">
    ${samples.map((sample) => html`
      <li key=${sample.event} class=${`e-${sample.label}`}>
        <p class="words">${sample.text}</p>
        <div class="meta"><${Channel} name=${sample.channel} /><time datetime=${sample.occurred_at} title=${fullTime(sample.occurred_at)}>${ago(sample.occurred_at, now)}</time>
          ${sample.author?.followers > 0 && html`<span>${t('detail.followers', { n: count(sample.author.followers) })}</span>`}
          ${/^https?:/.test(sample.url ?? '') && html`<a class="link" href=${sample.url} target="_blank" rel="noopener noreferrer">${t('detail.original')}</a>`}</div>
      </li>`)}
  </ol>` : html`<p class="faint">${t('detail.samplesNone')}</p>`);

function CopyLink() {
  const [copied, set] = useState(false);
  if (!navigator.clipboard) return null;
  return html`<button class="link" onClick=${() => navigator.clipboard.writeText(location.href).then(() => { set(true); setTimeout(() => set(false), 2000); }, () => {})}>${copied ? t('detail.copied') : t('detail.link')}</button>`;
}

function Sheet({ detail, error, reload, me }) {
  const now = useNow();
  const { alert, deliveries, allowed, statement } = detail;
  const acting = useActing(alert, now);
  return html`
    <article class=${`detail s-${alert.severity}`}>
      <header class="detail-head">
        <div class="alert-line"><${Severity} name=${alert.severity} /><span class=${`state st-${alert.state.name}`}>${stateName(alert.state.name)}</span>${alert.drill && html`<span class="drill">${t('alerts.drill')}</span>`}<span class="grow"></span><${CopyLink} /></div>
        <h2>${alert.title}</h2>
        <p class="faint">${alert.brand} · ${topicName(alert.topic)} · ${t('alerts.signals', { n: alert.signals })}${alert.spread?.heat > 0 && html` · ${t('alerts.heat', { n: count(alert.spread.heat) })}`} · ${fullTime(alert.times.raised_at)}</p>
      </header>
      ${error && html`<${Failure} error=${error} retry=${reload} />`}
      <${Clock} alert=${alert} now=${now} />
      <${People} alert=${alert} now=${now} />
      <${Actions} alert=${alert} allowed=${allowed} statement=${statement} acting=${acting} me=${me} />
      <${Statements} alert=${alert} statement=${statement} now=${now} />
      <${Steps} alert=${alert} allowed=${allowed} acting=${acting} now=${now} />
      <div class="detail-columns">
        <section><h3>${t('detail.causes')}</h3><div class="chips">${Object.entries(alert.causes).map(([name, n]) => html`<span key=${name} class="chip cause">${causeName(name)}<b>×${n}</b></span>`)}</div></section>
        <section><h3>${t('detail.channels')}</h3><div class="chips">${alert.channels.map((name) => html`<${Channel} key=${name} name=${name} />`)}</div></section>
      </div>
      <section><h3>${t('detail.latency')}</h3><${Latency} alert=${alert} deliveries=${deliveries} /></section>
      <section><h3>${t('detail.samples')}</h3><${Samples} samples=${alert.samples} now=${now} /></section>
      <div class="detail-columns">
        <section><h3>${t('detail.timeline')}</h3><${Timeline} entries=${alert.timeline} now=${now} /><${Proof} alert=${alert} lines=${Timeline} now=${now} /></section>
        <section><h3>${t('detail.deliveries')}</h3>${deliveries.length ? html`<${Deliveries} rows=${[...deliveries].reverse()} now=${now} />` : html`<p class="faint">${t('detail.deliveriesNone')}</p>`}</section>
      </div>
    </article>`;
}

export function AlertDetail({ id, me }) {
  const read = useRead(() => get(`/alerts/${encodeURIComponent(id)}`), [id]);
  const found = Boolean(read.data);
  // Who looked at it is part of its record; a look that is not noted keeps nobody from looking.
  useEffect(() => { if (found) post(`/alerts/${encodeURIComponent(id)}/view`).catch(() => {}); }, [id, found]);
  const again = useThrottle(read.reload, 300);
  useEvent('alert', ({ alert }) => {
    if (alert.id !== id) return;
    read.replace((detail) => (detail && alert.revision >= detail.alert.revision ? { ...detail, alert } : detail));
    again();
  }, [id]);
  useEvent('deliveries', again);
  useEvent('reload', again);
  const back = html`<a class="back" href="#/alerts">← ${t('alerts.back')}</a>`;
  if (!read.data) {
    if (read.error?.status === 404) return html`${back}<${Empty} title=${t('alerts.notFound')} />`;
    return html`${back}${read.error ? html`<${Failure} error=${read.error} retry=${read.reload} />` : html`<${Loading} rows=${8} />`}`;
  }
  return html`${back}<${Sheet} detail=${read.data} error=${read.error} reload=${read.reload} me=${me} />`;
}
