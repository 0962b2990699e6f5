// The code of a link stands behind '#', which browsers send to nobody; it only fills in the form.
const code = location.hash.slice(1);
if (code) {
  document.querySelector("#code-form [name=token]").value = code;
  history.replaceState(null, "", location.pathname);
}
