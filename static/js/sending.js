// A form is sent once: a second click while the first is on its way does nothing. Empty filters stay out of the address.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") === "dialog" || event.defaultPrevented) return;
  // Not `form.method`: a field may be called so, and would answer in its place.
  if (form.getAttribute("method")?.toLowerCase() !== "post") {
    if ("plainGet" in form.dataset) leaveOutEmpty(form);
    return;
  }
  if (form.dataset.sending) {
    event.preventDefault();
    return;
  }
  form.dataset.sending = "yes";
  const button = event.submitter;
  if (button) {
    // Not `disabled`: that would take the button's own name and value out of what is sent, and lose the focus.
    button.setAttribute("aria-disabled", "true");
    button.dataset.sending = "";
  }
});

function leaveOutEmpty(form) {
  const empty = [...form.elements].filter((field) => field.name && !field.value && !field.disabled);
  for (const field of empty) field.disabled = true;
  setTimeout(() => empty.forEach((field) => (field.disabled = false)));
}

// The Back button may bring the page back as it was left.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sending]")) delete form.dataset.sending;
  for (const button of document.querySelectorAll("button[data-sending]")) {
    delete button.dataset.sending;
    button.removeAttribute("aria-disabled");
  }
});
