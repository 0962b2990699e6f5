// Passkeys (W3C WebAuthn): sign in, add one, or use one again before an act of a steward.

const BASE = "/programme/v1/session/passkey";

const post = async (path, body = {}) => {
  const answer = await fetch(`${BASE}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error.message);
  return told;
};

const signIn = async () => {
  const { public_key: question } = await post("login/begin");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(question);
  const credential = await navigator.credentials.get({ publicKey });
  return post("login/finish", { credential: credential.toJSON() });
};

const register = async (name) => {
  const { public_key: question } = await post("register/begin");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(question);
  const credential = await navigator.credentials.create({ publicKey });
  return post("register/finish", { name, credential: credential.toJSON() });
};

// data-passkey: "sign-in" goes on to data-next, "add" registers and reloads, "again" sends the form once more.
export const usePasskey = async (button, announce) => {
  const place = document.getElementById(button.dataset.problemPlace ?? "") ?? button.parentElement;
  button.disabled = true;
  try {
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
      throw new Error(button.dataset.unsupported || "This browser does not know passkeys.");
    }
    if (button.dataset.passkey === "add") {
      const input = document.getElementById(button.dataset.nameInput);
      await register(input?.value.trim() || "passkey");
      location.reload();
    } else {
      await signIn();
      const form = button.closest("form");
      if (button.dataset.passkey === "sign-in") location.assign(button.dataset.next);
      else if (form) form.requestSubmit();
      else history.back();
    }
  } catch (error) {
    let told = place.querySelector(".passkey-problem");
    if (!told) {
      told = document.createElement("p");
      told.className = "passkey-problem small";
      told.setAttribute("role", "alert");
      place.append(told);
    }
    told.textContent = error.message;
    announce(error.message);
  } finally {
    button.disabled = false;
  }
};
