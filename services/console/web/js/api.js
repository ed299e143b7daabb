// Every request goes through here: one shape of error, one place that notices a lost login.
import { learn } from './clock.js';

const BASE = '/api/v1';

export class ApiError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let loggedOut = () => {};
export const onLoggedOut = (listener) => { loggedOut = listener; };

async function request(path, options) {
  let response;
  try {
    response = await fetch(BASE + path, { credentials: 'same-origin', ...options });
  } catch {
    throw new ApiError(0, '');
  }
  const text = await response.text();
  let body = null;
  try { body = text ? JSON.parse(text) : null; } catch { body = null; }
  if (!response.ok) {
    if (response.status === 401 && path !== '/login') loggedOut();
    throw new ApiError(response.status, body?.detail ?? '');
  }
  if (body?.now) learn(body.now);
  return body;
}

export function get(path, params = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, value);
  }
  const text = query.toString();
  return request(text ? `${path}?${text}` : path, { signal });
}

export function post(path, body, key) {
  const headers = { 'content-type': 'application/json', 'x-wensheng-console': '1' };
  if (key) headers['idempotency-key'] = key;
  return request(path, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
}

export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
