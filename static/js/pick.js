// A <select data-pick> with many options gets a search box.
for (const field of document.querySelectorAll("select[data-pick]")) {
  new TomSelect(field, { allowEmptyOption: true, maxOptions: null, plugins: ["dropdown_input"] });
}
