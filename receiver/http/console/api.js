// The operator's API, and who is signed in. A token is sent once; then a cookie, which no script can read, stands for it.

const ROLES = ["viewer", "operator", "admin"];
let me = null;

/** Who is signed in: name (null with the shared token), role, and ends_at of a session; null where nobody is. */
export const person = () => me;

/** Whether the role of who is signed in allows what takes this one. What is shown follows it; the server checks it. */
export const may = (role) => Boolean(me) && ROLES.indexOf(me.role) >= ROLES.indexOf(role);

/** Finds out who is signed in: with a token it begins a session. Throws Refused where nobody is. */
export async function signIn(token) {
  me = null;
  me = await ask("/session", token ? { method: "POST", token } : {});
}

export async function signOut() {
  await ask("/session", { method: "DELETE" });
  me = null;
}

/** Nobody is signed in any more. */
export const forget = () => { me = null; };

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** What the API answers. Throws Refused with its own words. */
export async function ask(path, { method = "GET", params = {}, body, token } = {}) {
  const given = Object.entries(params).filter(([, value]) => value);
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  const sent = body instanceof FormData ? body : body && JSON.stringify(body); // a form names its own content type
  const headers = {
    ...(body && sent !== body && { "content-type": "application/json" }),
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const answer = await fetched(path + query, { method, headers, body: sent });
  return answer.json();
}

/** A picture, as a blob. Throws Refused. */
export const picture = async (path) => (await fetched(path)).blob();

async function fetched(path, options = {}) {
  const answer = await fetch(`/api/v1${path}`, options);
  if (answer.ok) return answer;
  const data = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, data.error?.message ?? `the server answered ${answer.status}`);
}

export const part = (text) => encodeURIComponent(text);
