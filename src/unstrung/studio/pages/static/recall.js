// A file that is dropped or chosen is sent at once; without scripts there is a button.
const form = document.querySelector("form.recall");
form.querySelector("button").hidden = true;
document.getElementById("recall-file").addEventListener("change", () => form.requestSubmit());
