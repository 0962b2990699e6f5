// The code of a private link stands behind '#', which browsers send to nobody; it only fills in the fields.
const code = decodeURIComponent(location.hash.slice(1));
if (/^(inv_|application_)/.test(code)) {
  for (const field of document.querySelectorAll("main [name=code]")) field.value = code;
  history.replaceState(null, "", location.pathname);
}
