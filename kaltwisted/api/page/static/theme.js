// Before anything is drawn: the colours that somebody chose, if not the system's.
"use strict";
try {
  const theme = localStorage.getItem("kaltwisted-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's colours.
}
