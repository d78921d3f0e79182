// Dialogs: [data-dialog="id"] opens one, [data-dialog-close] closes it, form[data-confirm] asks before it is sent.
const question = document.getElementById("confirm");
let asking = null;

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener && opener.getAttribute("aria-disabled") !== "true") {
    document.getElementById(opener.dataset.dialog)?.showModal();
  }
  event.target.closest("[data-dialog-close]")?.closest("dialog")?.close();
  // A click on the backdrop is a click on the dialog itself; what people typed is not thrown away by one.
  if (event.target instanceof HTMLDialogElement && !event.target.querySelector("form")) event.target.close();
});

document.querySelector("dialog[data-open]")?.showModal();

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!form.dataset.confirm || form.dataset.confirmed || !question) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    asking = { form, submitter: event.submitter };
    question.querySelector("h2").textContent = form.dataset.confirm;
    question.querySelector("[data-confirm-words]").textContent = form.dataset.confirmText ?? "";
    const yes = question.querySelector("[data-confirm-yes]");
    yes.textContent = form.dataset.confirmButton || "Continue";
    yes.className = `btn btn-${form.dataset.confirmTone === "danger" ? "danger" : "primary"}`;
    question.showModal();
  },
  true,
);

question?.querySelector("[data-confirm-yes]").addEventListener("click", () => {
  const { form, submitter } = asking;
  question.close();
  form.dataset.confirmed = "yes";
  form.requestSubmit(submitter);
  delete form.dataset.confirmed;
});
