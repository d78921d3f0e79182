// The theme switch: remembers the choice in a cookie, so that the server writes it into the next page and nothing flashes.
document.documentElement.dataset.script = "on";

for (const choice of document.querySelectorAll("[data-theme-choice]")) {
  choice.addEventListener("change", () => {
    const root = document.documentElement;
    if (choice.value) root.dataset.bsTheme = choice.value;
    else delete root.dataset.bsTheme;
    document.querySelector('meta[name="color-scheme"]')?.setAttribute("content", choice.value || "light dark");
    const age = choice.value ? 31536000 : 0;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${choice.value}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  });
}
