// The frame: who is logged in, which view is open, whether the figures are live.
import { html, render, useEffect, useMemo, useReducer, useState } from './dom.js';
import { get, onLoggedOut, post } from './api.js';
import { pressing, useNow } from './clock.js';
import { clockSpan, clockTime, setTimeZone } from './format.js';
import { current, keep, kept, setLanguage, t } from './i18n.js';
import { connect, disconnect, useConnection, useEvent } from './live.js';
import { Login, login, tokenFromAddress } from './login.js';
import { deadlineName, roleName } from './names.js';
import { Boundary, Loading, Select, useRead, useThrottle } from './parts.js';
import { Alerts } from './alerts.js';
import { Feedback } from './feedback.js';
import { Overview } from './overview.js';
import { System } from './system.js';

const VIEWS = { overview: Overview, alerts: Alerts, feedback: Feedback, system: System };
const ICONS = {
  overview: 'M3 12h3v6H3zM9 7h3v11H9zM15 3h3v15h-3z',
  alerts: 'M10.5 2.5a5 5 0 0 0-5 5V12L3.5 15h14l-2-3V7.5a5 5 0 0 0-5-5zM8.5 16.5a2 2 0 0 0 4 0z',
  feedback: 'M3 4.5h15v10h-8l-4 3.5v-3.5H3z',
  system: 'M3 4h15v5H3zM3 11h15v5.5H3z',
};

/** `#/alerts/<id>` → ['alerts', '<id>'] */
function route() {
  const [view, id] = location.hash.replace(/^#\/?/, '').split('/');
  return [VIEWS[view] ? view : 'overview', id ? decodeURIComponent(id) : null];
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  keep({ theme: root.dataset.theme });
  document.dispatchEvent(new Event('themechange'));
}

function Live() {
  const { name } = useConnection();
  return html`<span class=${`live live-${name}`} role="status"><i></i><span class="live-word">${t(`live.${name}`)}</span></span>`;
}

/** Tells that figures are not live, but only when a break lasts: browsers reopen the stream within a moment. */
function LostBanner() {
  const connection = useConnection();
  const now = useNow();
  if (connection.name !== 'lost' || now - connection.since < 3000) return null;
  return html`<div class="banner" role="alert">${t('live.banner', { time: clockTime(connection.heard ?? connection.since) })}</div>`;
}

/** The most pressing unclaimed alert, on every view but that of alerts. */
function Strip({ alerts, view }) {
  const now = useNow();
  const unclaimed = alerts.filter((alert) => alert.state.name === 'raised' && alert.clock);
  const first = unclaimed.map((alert) => [alert, pressing(alert, now)]).filter(([, due]) => due).sort((a, b) => a[1].due - b[1].due)[0];
  useEffect(() => {
    const lead = first ? `(${unclaimed.length}) ${first[1].left > 0 ? '' : '−'}${clockSpan(first[1].left)} ` : '';
    document.title = `${lead}${first ? first[0].title : t(`nav.${view}`)} · ${t('app.name')}`;
  });
  if (!first || view === 'alerts') return null;
  const [alert, due] = first;
  return html`
    <a class=${`strip d-${due.level}`} href=${`#/alerts/${alert.id}`}>
      <strong>${t('alerts.strip', { n: unclaimed.length })}</strong>
      <span class="strip-title">${alert.title}</span>
      <span class="strip-clock">${deadlineName(due.kind)} ${due.left > 0 ? t('alerts.left') : t('alerts.over')} <b>${clockSpan(due.left)}</b></span>
      <span class="strip-go">${t('alerts.stripGo')}</span>
    </a>`;
}

function Console({ me, onLogout, redraw }) {
  const [[view, id], setRoute] = useState(route());
  const [brand, setBrand] = useState(kept().brand ?? '');
  const alerts = useRead(() => get('/alerts', { open: true, limit: 500 }), []);
  const totals = useRead(() => get('/totals'), []);
  const again = useThrottle(alerts.reload, 500);
  const brandsAgain = useThrottle(totals.reload, 30000);
  useEvent('alert', again);
  useEvent('overview', brandsAgain);
  useEvent('reload', () => { again(); brandsAgain(); });
  useEffect(() => {
    const changed = () => {
      if (location.hash.startsWith('#token=')) return;
      setRoute(route());
      window.scrollTo(0, 0);
    };
    addEventListener('hashchange', changed);
    connect();
    return () => { removeEventListener('hashchange', changed); disconnect(); };
  }, []);
  const open = alerts.data?.alerts ?? [];
  const unclaimed = alerts.data?.counts.unacknowledged ?? 0;
  const brands = totals.data?.brands ?? [];
  const chosen = brands.includes(brand) || !totals.data ? brand : '';
  const choose = (name) => { setBrand(name); keep({ brand: name }); };
  const other = current() === 'en' ? 'zh' : 'en';
  const View = VIEWS[view];
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById('main').focus(); }}>${t('skip')}</a>
    <header class="top">
      <a class="logo" href="#/overview" aria-label=${t('app.name')}><img src="/icon.svg" width="26" height="26" alt="" /><span>${t('app.name')}</span></a>
      <nav class="nav" aria-label=${t('nav.label')}>
        ${Object.keys(VIEWS).map((name) => html`
          <a key=${name} href=${`#/${name}`} aria-current=${name === view ? 'page' : undefined}>
            <svg viewBox="0 0 21 21" width="18" height="18" aria-hidden="true"><path d=${ICONS[name]} /></svg>
            <span>${t(`nav.${name}`)}</span>
            ${name === 'alerts' && open.length > 0 && html`<b class=${unclaimed ? 'badge hot' : 'badge'}>${open.length}</b>`}
          </a>`)}
      </nav>
      <div class="tools">
        <${Live} />
        ${brands.length > 0 && html`<${Select} label=${t('brand.label')} value=${chosen} onChange=${choose} options=${[['', t('brand.all')], ...brands.map((name) => [name, name])]} />`}
        <button class="icon" id="language" title=${t('language.switch')} aria-label=${t('language.switch')} onClick=${() => { setLanguage(other); redraw(); }}>${t('language.short')}</button>
        <button class="icon" id="theme" title=${t('theme.switch')} aria-label=${t('theme.switch')} onClick=${switchTheme}>
          <svg viewBox="0 0 20 20" width="17" height="17" aria-hidden="true"><path d="M10 2a8 8 0 1 0 0 16zM10 2a8 8 0 0 1 0 16" class="half" /></svg>
        </button>
        <button class="icon account" title=${`${me.name} · ${roleName(me.role)} · ${t('account.logout')}`} aria-label=${`${me.name}, ${t('account.logout')}`} onClick=${onLogout}>
          <svg viewBox="0 0 20 20" width="17" height="17" aria-hidden="true"><path d="M11 3H4v14h7M8 10h9M14 7l3 3-3 3" class="line" /></svg>
        </button>
      </div>
    </header>
    <${LostBanner} />
    <${Strip} alerts=${open} view=${view} />
    <main id="main" tabindex="-1" class=${`view view-${view}`}>
      <${Boundary} key=${view}><${View} me=${me} id=${id} brand=${chosen} topics=${totals.data?.topics ?? []} /><//>
    </main>`;
}

function App() {
  const [state, set] = useState({ name: 'starting' });
  const [turn, redraw] = useReducer((n) => n + 1, 0);
  const enter = (me) => { setTimeZone(me.time_zone); set({ name: 'in', me }); };
  useEffect(() => {
    onLoggedOut(() => { disconnect(); set({ name: 'out', problem: null }); });
    const start = () => {
      const token = tokenFromAddress();
      const whoever = token ? login(token) : get('/me');
      whoever.then(enter, (problem) => set({ name: 'out', problem: token || problem.status !== 401 ? problem : null }));
    };
    // A link followed in a page that is open already changes the fragment alone.
    const followed = () => { if (location.hash.startsWith('#token=')) start(); };
    addEventListener('hashchange', followed);
    start();
    return () => removeEventListener('hashchange', followed);
  }, []);
  const logout = () => post('/logout').finally(() => { disconnect(); set({ name: 'out', problem: null }); });
  const view = useMemo(() => {
    if (state.name === 'in') return html`<${Console} me=${state.me} onLogout=${logout} redraw=${redraw} />`;
    if (state.name === 'out') return html`<${Login} onDone=${enter} problem=${state.problem} />`;
    return html`<main class="login"><${Loading} rows=${3} /></main>`;
  }, [state, turn]);
  return view;
}

const root = document.getElementById('app');
root.replaceChildren();
render(html`<${App} />`, root);
