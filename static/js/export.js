// A download leaves the page as it is, so the menu says that it has begun.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-export]");
  const status = link?.parentElement.querySelector("[data-export-status]");
  if (!status) return;
  status.textContent = `The ${link.dataset.export} file is being written. Your browser shows how far it is; a file it calls failed is not whole: take it again.`;
});
