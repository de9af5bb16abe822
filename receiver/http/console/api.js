// The operator's API. The token lives in this tab's session storage and is sent to this server only.

const KEY = "mailroom-admin-token";

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** What the API answers. Throws Refused with its own words. */
export async function ask(path, { method = "GET", params = {}, body } = {}) {
  const given = Object.entries(params).filter(([, value]) => value);
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  const sent = body instanceof FormData ? body : body && JSON.stringify(body); // a form names its own content type
  const headers = body && sent !== body ? { "content-type": "application/json" } : {};
  const answer = await fetched(path + query, { method, headers, body: sent });
  return answer.json();
}

/** A picture, as a blob. Throws Refused. */
export const picture = async (path) => (await fetched(path)).blob();

async function fetched(path, { headers = {}, ...options } = {}) {
  const answer = await fetch(`/api/v1${path}`, { ...options, headers: { ...headers, authorization: `Bearer ${token.get()}` } });
  if (answer.ok) return answer;
  const data = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, data.error?.message ?? `the server answered ${answer.status}`);
}

export const part = (text) => encodeURIComponent(text);
