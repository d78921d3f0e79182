// Passkeys: form[data-passkey="make"|"ask"] is sent with the device's answer to the question it gets at [data-question].
// Where the browser knows no passkeys, what is [data-passkey-only] stays hidden.
const known = "PublicKeyCredential" in globalThis && window.isSecureContext;

for (const part of document.querySelectorAll("[data-passkey-only]")) part.hidden = !known;
for (const part of document.querySelectorAll("[data-passkey-missing]")) part.hidden = known;

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const named = (list) => (list ?? []).map((entry) => ({ ...entry, id: toBytes(entry.id) }));

async function question(form) {
  const answer = await fetch(form.dataset.question, { method: "POST", body: new FormData(form), credentials: "same-origin" });
  const asked = await answer.json();
  if (answer.ok) return asked;
  if (asked.to) location.assign(asked.to);
  throw new Error(asked.error);
}

async function make(asked) {
  const publicKey = {
    ...asked,
    challenge: toBytes(asked.challenge),
    user: { ...asked.user, id: toBytes(asked.user.id) },
    excludeCredentials: named(asked.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey });
  const { response } = made;
  return written(made, {
    attestationObject: toText(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

async function ask(asked) {
  const publicKey = { ...asked, challenge: toBytes(asked.challenge), allowCredentials: named(asked.allowCredentials) };
  const found = await navigator.credentials.get({ publicKey });
  const { response } = found;
  return written(found, {
    authenticatorData: toText(response.authenticatorData),
    signature: toText(response.signature),
    userHandle: response.userHandle ? toText(response.userHandle) : undefined,
  });
}

function written(credential, response) {
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: { clientDataJSON: toText(credential.response.clientDataJSON), ...response },
  });
}

function words(error) {
  if (error.name === "InvalidStateError") return "This device holds a passkey of yours already.";
  if (error.name === "NotAllowedError" || error.name === "AbortError") return "The device gave no answer. Try again, or use another way.";
  return error.message || "That did not work. Try again.";
}

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    if (!form.dataset.passkey || form.elements.answer.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    const says = form.querySelector("[data-passkey-says]");
    says.textContent = "";
    try {
      const asked = await question(form);
      form.elements.answer.value = await (form.dataset.passkey === "make" ? make(asked) : ask(asked));
      form.requestSubmit();
    } catch (error) {
      says.textContent = words(error);
    } finally {
      delete form.dataset.busy;
    }
  },
  true,
);

// The Back button may bring the page back with an answer that was given already.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-passkey]")) form.elements.answer.value = "";
});
