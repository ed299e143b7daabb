// The token is traded for a cookie that scripts cannot read; it never stays on the page.
import { html, useEffect, useRef, useState } from './dom.js';
import { post } from './api.js';
import { t } from './i18n.js';
import { errorText } from './parts.js';

/** Takes the token out of the address, so that it is neither bookmarked nor shown; null when there is none. */
export function tokenFromAddress() {
  const match = /^#token=([^&]+)/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, '', `${location.pathname}#/`);
  return decodeURIComponent(match[1]);
}

export const login = (token) => post('/login', { token });

export function loginError(error) {
  if (error.status === 401) return t('login.wrong');
  if (error.status === 429) return t('login.wait');
  return errorText(error);
}

export function Login({ onDone, problem }) {
  const [error, setError] = useState(problem);
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  useEffect(() => {
    field.current.focus();
    document.title = `${t('login.title')} · ${t('app.name')}`;
  }, []);
  const submit = (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    login(field.current.value.trim()).then(onDone, (failed) => { setError(failed); setBusy(false); field.current.select(); });
  };
  return html`
    <main class="login">
      <form class="login-card" aria-label=${t('login.title')} onSubmit=${submit}>
        <img src="/icon.svg" width="44" height="44" alt="" />
        <h1>${t('app.name')}<small>${t('app.tagline')}</small></h1>
        <p>${t('login.lead')}</p>
        <label for="token">${t('login.token')}</label>
        <input id="token" ref=${field} type="password" autocomplete="current-password" spellcheck="false" required
          aria-invalid=${String(Boolean(error))} aria-describedby="login-error" placeholder="wsk_…" />
        <p id="login-error" class="login-error" role="alert">${error ? loginError(error) : ''}</p>
        <button class="button primary wide" disabled=${busy}>${busy ? t('login.busy') : t('login.submit')}</button>
        <p class="faint">${t('login.more')}</p>
      </form>
    </main>`;
}
