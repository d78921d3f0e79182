// A <select data-pick> with many options gets a search box.
for (const field of document.querySelectorAll("select[data-pick]")) {
  const label = field.labels[0]?.textContent ?? "options";
  const picker = new TomSelect(field, { allowEmptyOption: true, maxOptions: null, plugins: ["dropdown_input"] });
  // The label now belongs to the new control; the old one is only there to be sent.
  field.setAttribute("aria-hidden", "true");
  picker.control_input.setAttribute("aria-label", `Search ${label.toLowerCase()}`);
}
