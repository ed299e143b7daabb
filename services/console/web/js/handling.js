// Who handles an alert and how: owner, team, what may be said, the steps of the process, and the whole record with its proof.
import { html, useState } from './dom.js';
import { get } from './api.js';
import { fullTime, shortTime } from './format.js';
import { t } from './i18n.js';
import { stepName } from './names.js';
import { errorText } from './parts.js';

const Person = ({ label, children }) => html`<div class="person"><dt>${label}</dt><dd>${children}</dd></div>`;

/** Who answers for it, who else is in it, and whether the clock stands. */
export function People({ alert, now }) {
  const handling = alert.handling ?? {};
  const { hand_over: asked, seen = [], team = [] } = handling;
  const paused = alert.clock?.paused;
  return html`
    <dl class="people" id="people">
      <${Person} label=${t('people.owner')}><b id="owner">${handling.owner ?? t('people.nobody')}</b>${asked && html` <span class="warn">${t('people.handOver', { to: asked.to, by: asked.asked_by })}</span>`}<//>
      ${handling.spokesperson && html`<${Person} label=${t('people.spokesperson')}>${handling.spokesperson}<//>`}
      ${team.length > 0 && html`<${Person} label=${t('people.team')}>${team.join('、')}<//>`}
      ${handling.confirmed_at && html`<${Person} label=${t('people.confirmed')}>${fullTime(handling.confirmed_at)}<//>`}
      ${handling.reopened > 0 && html`<${Person} label=${t('people.reopened')}>${handling.reopened}<//>`}
      ${alert.state.name === 'dismissed' && html`<${Person} label=${t('people.dismissed')}>${alert.state.reason}<//>`}
      ${seen.length > 0 && html`<${Person} label=${t('people.seen')}>${seen.map((look) => look.by).join('、')}<//>`}
      ${paused && html`<div class="paused" role="status"><b>${t('clock.paused')}</b> ${paused.by}：${paused.reason} <span class="faint">${t('clock.pausedUntil', { time: shortTime(paused.until, now) })}</span></div>`}
    </dl>`;
}

/** What may be said: the current version alone; the others are history. */
export function Statements({ alert, statement, now }) {
  const versions = alert.handling?.statements ?? [];
  if (!versions.length) return null;
  const standing = (version) => {
    if (version.withdrawn) return t('statement.withdrawn', { by: version.withdrawn.by });
    if (!version.approved) return t('statement.draft', { by: version.by });
    if (version.expires_at && new Date(version.expires_at) <= now) return t('statement.expired', { time: shortTime(version.expires_at, now) });
    return version.version === statement?.version ? t('statement.current', { by: version.approved.by }) : t('statement.replaced');
  };
  return html`
    <section id="statements"><h3>${t('statement.title')}</h3>
      ${statement
    ? html`<blockquote class="statement">${statement.text}</blockquote>`
    : html`<p class="warn">${t('statement.none')}</p>`}
      <details><summary>${t('statement.versions', { n: versions.length })}</summary>
        <ol class="versions">${[...versions].reverse().map((version) => html`<li key=${version.version}><b>v${version.version}</b> <span class="faint">${standing(version)} · ${shortTime(version.at, now)}</span><p>${version.text}</p></li>`)}</ol>
      </details>
    </section>`;
}

function StepForm({ step, busy, act, close }) {
  const [owner, setOwner] = useState(step.owner ?? '');
  const [note, setNote] = useState('');
  const [done, setDone] = useState(Boolean(step.done));
  const send = (event) => {
    event.preventDefault();
    const body = { step: step.step, note };
    if (owner.trim() && owner.trim() !== step.owner) body.owner = owner.trim();
    if (done !== Boolean(step.done)) body.done = done;
    act('set_step', body).then((sent) => { if (sent) close(); });
  };
  return html`
    <form class="action-form" onSubmit=${send}>
      <label class="field"><span>${t('field.owner')}</span><input id="step-owner" type="text" maxlength="100" value=${owner} onInput=${(event) => setOwner(event.currentTarget.value)} /></label>
      <label class="field"><span>${t('field.note')}</span><input id="step-note" type="text" maxlength="1000" value=${note} onInput=${(event) => setNote(event.currentTarget.value)} /></label>
      <label class="field check"><input id="step-done" type="checkbox" checked=${done} onChange=${(event) => setDone(event.currentTarget.checked)} /><span>${t('field.done')}</span></label>
      <div class="action-buttons"><button id="step-send" class="button primary" type="submit" disabled=${busy}>${t('step.save')}</button><button class="button" type="button" onClick=${close}>${t('action.cancel')}</button></div>
    </form>`;
}

/** The steps of the crisis process. */
export function Steps({ alert, allowed, acting, now }) {
  const [open, setOpen] = useState(null);
  const steps = alert.handling?.steps ?? [];
  if (!steps.length) return null;
  const may = allowed.includes('set_step');
  return html`
    <section id="steps"><h3>${t('steps.title')}</h3>
      <ol class="steps">
        ${steps.map((step) => {
    const late = !step.done && step.due_at && new Date(step.due_at) <= now;
    return html`<li key=${step.step} class=${step.done ? 'is-done' : late ? 'is-late' : ''}>
          <span class="step-line"><i>${step.done ? '✓' : ''}</i><b>${stepName(step.step)}</b><span class="faint">${step.owner ?? t('people.nobody')}</span><span class="grow"></span>
            <time>${step.done ? t('steps.done', { by: step.done.by, time: shortTime(step.done.at, now) }) : step.due_at ? t('clock.due', { time: shortTime(step.due_at, now) }) : ''}</time>
            ${may && html`<button class="link" id=${`step-${step.step}`} onClick=${() => setOpen(open === step.step ? null : step.step)}>${t('step.edit')}</button>`}</span>
          ${step.note && html`<p class="step-note">${step.note}</p>`}
          ${open === step.step && may && html`<${StepForm} step=${step} busy=${acting.waiting} act=${acting.act} close=${() => setOpen(null)} />`}
        </li>`;
  })}
      </ol>
    </section>`;
}

/** Every line of the alert's record, and the proof that none was changed. */
export function Proof({ alert, lines, now }) {
  const [read, setRead] = useState(null);
  const load = () => get(`/alerts/${encodeURIComponent(alert.id)}/timeline`, { limit: 1000 }).then((data) => setRead({ data }), (error) => setRead({ error }));
  return html`
    <div class="proof">
      <button class="link" id="prove" onClick=${load}>${t('proof.read')}</button>
      ${read?.error && html`<span class="warn">${errorText(read.error)}</span>`}
      ${read?.data && (read.data.fault
    ? html`<b class="warn" role="alert">${t('proof.fault', { detail: read.data.fault })}</b>`
    : html`<span class="good">${t('proof.proved', { n: read.data.proved })}</span>`)}
      ${read?.data && html`<${lines} entries=${read.data.lines} now=${now} />`}
    </div>`;
}
