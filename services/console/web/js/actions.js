// What a person does to an alert: buttons for what needs nothing beside, small forms for the rest.
import { html, useRef, useState } from './dom.js';
import { newKey, post } from './api.js';
import { now as serverNow } from './clock.js';
import { t } from './i18n.js';
import { actionName, severityName } from './names.js';
import { Notice, errorText } from './parts.js';

/** The way through the process, in its order: the next one stands out. */
const PROCESS = ['acknowledge', 'assess', 'confirm', 'respond', 'resolve', 'review'];

/** What the other actions need beside the note: names of fields with their kinds; `?` marks what may be left out. */
const FORMS = {
  resume: [], accept_hand_over: [], decline_hand_over: [], escalate: [], plan: [], note: [],
  hand_over: [['to', 'text']],
  pause: [['reason', 'text'], ['minutes', 'number?']],
  dismiss: [['reason', 'text']],
  lower_severity: [['severity', 'severity'], ['reason', 'text']],
  name_team: [['members', 'list']],
  name_spokesperson: [['person', 'text']],
  draft_statement: [['text', 'area']],
  approve_statement: [['version', 'number'], ['expires_at', 'instant?']],
  withdraw_statement: [['version', 'number']],
};

const isOptional = (kind) => kind.endsWith('?');

/** The value of a field as the interface takes it; undefined where there is none. */
function valueOf(kind, text) {
  const given = (text ?? '').trim();
  if (!given) return undefined;
  if (kind.startsWith('number')) return Number(given);
  if (kind.startsWith('instant')) return new Date(given).toISOString();
  if (kind === 'list') return given.split(/[,，、\s]+/).filter(Boolean);
  return given;
}

/** What became of a recorded command: the alert's own timeline says so. */
function outcome(alert, { command, action }) {
  const entry = alert.timeline.find((line) => line.command === command);
  if (entry) return entry.event === 'refused' ? 'refused' : 'done';
  const reached = ['raised', 'acknowledged', 'assessing', 'responding', 'resolved', 'reviewed'].indexOf(alert.state.name);
  const needed = { acknowledge: 1, assess: 2, respond: 3, resolve: 4, review: 5 }[action];
  return needed !== undefined && reached >= needed ? 'done' : 'recorded';
}

/** Sends actions, and knows how the last one stands: sent, recorded, in effect. Only the alert, as stored, says the last. */
export function useActing(alert, now) {
  const [step, setStep] = useState(null);
  const keys = useRef({});
  const act = (action, body = {}) => {
    const key = (keys.current[action] ??= newKey());
    setStep({ name: 'sending', action });
    return post(`/alerts/${alert.id}/${action}`, body, key).then(
      ({ command }) => {
        delete keys.current[action];
        setStep({ name: 'recorded', action, command: command.id, since: serverNow() });
        return true;
      },
      (error) => {
        // Unless it is sure that nothing was recorded, the next click repeats the same command.
        if (error.status >= 400 && error.status < 500) delete keys.current[action];
        setStep({ name: 'failed', action, error });
        return false;
      },
    );
  };
  const stands = step?.name === 'recorded' ? outcome(alert, step) : step?.name;
  const notice = () => {
    if (!step) return null;
    const action = actionName(step.action);
    if (stands === 'sending') return ['plain', t('action.busy')];
    if (stands === 'recorded') return now - step.since > 8000 ? ['warn', t('action.slow', { action })] : ['plain', t('action.pending', { action })];
    if (stands === 'refused') return ['warn', t('action.refused', { action })];
    if (stands === 'failed') {
      const { error } = step;
      if (error.status === 409) return ['warn', t('action.conflict', { detail: error.message })];
      return ['bad', error.status === 0 || error.status >= 500 ? t('action.unsure') : t('action.failed', { detail: errorText(error) })];
    }
    return ['good', t('action.done', { action })];
  };
  return { act, waiting: stands === 'sending' || stands === 'recorded', said: notice() };
}

function Field({ name, kind, value, set, severities }) {
  const label = t(`field.${name}`) + (isOptional(kind) ? ` ${t('field.optional')}` : '');
  const input = { id: `field-${name}`, value: value ?? '', onInput: (event) => set(event.currentTarget.value) };
  const control = {
    area: html`<textarea rows="3" maxlength="5000" ...${input}></textarea>`,
    severity: html`<select ...${input}><option value="">–</option>${severities.map((level) => html`<option key=${level} value=${level}>${severityName(level)}</option>`)}</select>`,
  }[kind] ?? html`<input type=${{ number: 'number', 'number?': 'number', 'instant?': 'datetime-local' }[kind] ?? 'text'} min="1" maxlength="1000" ...${input} />`;
  return html`<label class="field"><span>${label}</span>${control}</label>`;
}

function Form({ action, defaults, severities, busy, send, close }) {
  const [values, setValues] = useState(defaults);
  const fields = FORMS[action];
  const body = Object.fromEntries(fields.map(([name, kind]) => [name, valueOf(kind, values[name])]).filter(([, value]) => value !== undefined));
  const whole = fields.every(([name, kind]) => isOptional(kind) || body[name] !== undefined);
  return html`
    <form class="action-form" onSubmit=${(event) => { event.preventDefault(); if (whole && !busy) send(action, body).then((sent) => { if (sent) close(); }); }}>
      ${fields.map(([name, kind]) => html`<${Field} key=${name} name=${name} kind=${kind} value=${values[name]} severities=${severities} set=${(value) => setValues((before) => ({ ...before, [name]: value }))} />`)}
      <div class="action-buttons">
        <button id="action-send" class="button primary" type="submit" disabled=${!whole || busy}>${actionName(action)}</button>
        <button class="button" type="button" onClick=${close}>${t('action.cancel')}</button>
      </div>
    </form>`;
}

export function Actions({ alert, allowed, statement, acting, me }) {
  const [note, setNote] = useState('');
  const [form, setForm] = useState(null);
  const { act, waiting, said } = acting;
  const send = (action, body = {}) => act(action, { ...body, note }).then((sent) => { if (sent) setNote(''); return sent; });
  const process = PROCESS.filter((action) => allowed.includes(action));
  const more = Object.keys(FORMS).filter((action) => allowed.includes(action));
  const latest = alert.handling?.statements?.at(-1)?.version;
  const defaults = { approve_statement: { version: `${latest ?? ''}` }, withdraw_statement: { version: `${statement?.version ?? latest ?? ''}` } };
  const severities = ['watch', 'alert'].slice(0, ['watch', 'alert', 'crisis'].indexOf(alert.severity));
  const closed = { resolved: 'action.closed', reviewed: 'action.closed', dismissed: 'action.dismissed' }[alert.state.name];
  return html`
    <div class="actions">
      ${me.may_act && html`
        <input class="note" type="text" maxlength="1000" value=${note} onInput=${(event) => setNote(event.currentTarget.value)} placeholder=${t('action.notePlaceholder')} aria-label=${t('action.note')} />
        <div class="action-buttons">
          ${process.map((action, i) => html`<button key=${action} id=${`action-${action}`} class=${`button ${i === 0 ? 'primary' : ''}`} disabled=${waiting} onClick=${() => send(action)}>${actionName(action)}</button>`)}
          ${more.length > 0 && html`<select id="action-more" class="button" aria-label=${t('action.more')} value="" disabled=${waiting} onChange=${(event) => { setForm(event.currentTarget.value || null); event.currentTarget.value = ''; }}>
            <option value="">${t('action.more')}</option>
            ${more.map((action) => html`<option key=${action} value=${action}>${actionName(action)}</option>`)}
          </select>`}
        </div>
        ${form && allowed.includes(form) && html`<${Form} key=${form} action=${form} defaults=${defaults[form] ?? {}} severities=${severities} busy=${waiting} send=${send} close=${() => setForm(null)} />`}`}
      ${!closed && !me.may_act && html`<p class="faint">${t('action.readonly')}</p>`}
      ${closed && html`<p class="faint">${t(closed)}</p>`}
      ${said && html`<${Notice} tone=${said[0]} text=${said[1]} />`}
    </div>`;
}
