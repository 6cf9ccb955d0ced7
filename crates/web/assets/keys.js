// Enhancement only: keys, changes that are made in place and can be undone for five seconds, previews while typing.
"use strict";
(() => {
  const UNDO_MS = 5000;
  const GO = { n: ["/", "Now"], o: ["/slos", "Objectives"], a: ["/alerts", "Alerts"], g: ["/alerts?by=group", "Groups"],
    s: ["/silences", "Silences"], d: ["/deliveries", "Deliveries"], r: ["/receivers", "Receivers"],
    t: ["/statistics", "Statistics"], e: ["/explore", "Explore"] };
  const HELP = [["j k", "next and previous in the list"], ["Enter", "open it"], ["a", "acknowledge it; Undo for 5 s"],
    ["u", "undo"], ["s", "silence it: opens the form"], ["r", "open its runbook"], ["/", "search"],
    ...Object.entries(GO).map(([key, [, name]]) => ["g " + key, "go to " + name]), ["?", "this help"], ["Esc", "close"]];
  const OFF = "bellwether-keys-off";

  const make = (name, props = {}, ...children) => {
    const el = Object.assign(document.createElement(name), props);
    el.append(...children);
    return el;
  };

  const mainLink = (el) => el && (el.querySelector("[data-main]") || el.querySelector("a"));

  // What just happened, read out, with a button to take it back. It is there from the start: what appears together with
  // its text is not read by every screen reader.
  const toast = make("div", { className: "toast" });
  toast.setAttribute("role", "status");
  document.body.append(toast);
  let gone = 0, takeBack = null;
  function say(text, undo) {
    clearTimeout(gone);
    takeBack = undo || null;
    toast.replaceChildren(make("span", {}, text));
    if (undo) toast.append(make("button", { type: "button", onclick: undoNow }, "Undo"));
    hideLater();
  }
  // Whoever is about to press Undo has all the time there is.
  function hideLater() {
    clearTimeout(gone);
    gone = setTimeout(() => {
      if (toast.matches(":hover,:focus-within")) { hideLater(); return; }
      toast.replaceChildren();
      takeBack = null;
    }, UNDO_MS);
  }
  let last = null;
  document.addEventListener("focusin", (event) => { last = event.target.closest("main [data-item]") || last; });
  function undoNow() {
    const undo = takeBack;
    takeBack = null;
    if (toast.contains(document.activeElement)) mainLink(last)?.focus({ preventScroll: true });
    if (undo) undo();
  }

  async function send(address, fields) {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    throw new Error(page.querySelector("main .note")?.textContent || "It was not done: " + answer.status);
  }
  const renew = () => dispatchEvent(new Event("bellwether:renew"));

  // A quick change is made without leaving the page.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.undo === undefined) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    const fields = [...new FormData(form, event.submitter)];
    const undo = form.dataset.undo, item = form.closest("[data-item]");
    const link = mainLink(item);
    try {
      await send(form.action, fields);
      say(form.dataset.said, undo && async function () {
        try {
          await send(undo, fields);
          say("Undone");
        } catch (error) { say(error.message); }
        renew();
      });
      // The form is about to go; who came by key stays where they were.
      if (form.contains(document.activeElement)) link?.focus({ preventScroll: true });
    } catch (error) {
      say(error.message);
    }
    delete form.dataset.busy;
    renew();
  });

  // Which item is meant: the one with the focus, or the only one there is.
  const items = () => [...document.querySelectorAll("main [data-item]")];
  function current() {
    const here = document.activeElement?.closest("[data-item]");
    const all = items();
    return here || (all.length === 1 ? all[0] : null);
  }
  function press(key) {
    const item = current();
    if (!item) { say(items().length ? "j and k choose one first" : "There is nothing to choose here"); return; }
    const target = item.querySelector(`[data-key="${key}"]`);
    if (!target) { say({ a: "There is nothing to acknowledge", s: "There is nothing to silence", r: "It has no runbook" }[key]); return; }
    if (target.nodeName !== "FORM") { target.click(); return; }
    const name = target.querySelector("input[name=by]");
    if (name && !name.value.trim()) { name.focus(); say("Say who you are, then press Enter"); return; }
    target.requestSubmit(target.querySelector("button"));
  }
  function walk(step) {
    const all = [...document.querySelectorAll("main [data-item]"), ...document.querySelectorAll("main tbody tr")];
    const list = all.map((el) => mainLink(el)).filter(Boolean);
    const here = list.findIndex((a) => a === document.activeElement || a.closest("[data-item],tr")?.contains(document.activeElement));
    const next = list[Math.max(0, Math.min(list.length - 1, here + step))];
    next?.focus();
    next?.closest("[data-item],tr")?.scrollIntoView({ block: "nearest" });
  }

  let help = null;
  function showHelp() {
    if (!help) {
      const off = make("input", { type: "checkbox", checked: !localStorage.getItem(OFF) });
      off.onchange = () => (off.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"));
      const rows = HELP.map(([keys, what]) => make("div", {}, make("dt", {}, ...keys.split(" ").map((k) => make("kbd", {}, k))), make("dd", {}, what)));
      help = make("dialog", { className: "help" }, make("h2", { id: "help-title" }, "Keys"), make("dl", {}, ...rows),
        make("label", { className: "check" }, off, " Letters act as keys"),
        make("form", { method: "dialog" }, make("button", {}, "Close")));
      help.setAttribute("aria-labelledby", "help-title");
      document.body.append(help);
    }
    if (!help.open) help.showModal();
  }
  document.querySelector("body>footer")?.append(" · ", make("button", { type: "button", className: "link", onclick: showHelp }, "Keys (?)"));

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input,textarea,select,dialog,[contenteditable]")) return;
    if (localStorage.getItem(OFF)) return;
    const key = event.key, isGoing = going;
    clearTimeout(going);
    going = 0;
    if (isGoing) {
      toast.replaceChildren();
      if (GO[key]) { event.preventDefault(); location.href = GO[key][0]; }
      return;
    }
    const act = {
      j: () => walk(1), k: () => walk(-1), a: () => press("a"), s: () => press("s"), r: () => press("r"),
      u: undoNow, "?": showHelp,
      g: () => {
        say("Go to: " + Object.entries(GO).map(([k, [, name]]) => k + " " + name).join(", "));
        going = setTimeout(() => { going = 0; }, UNDO_MS);
      },
      "/": () => document.querySelector("main input[type=search],main textarea")?.focus(),
    }[key];
    if (act) { event.preventDefault(); act(); }
  });

  // What a silence would hide, while it is typed.
  for (const form of document.querySelectorAll("form[data-preview]")) {
    const area = form.querySelector("textarea"), place = form.querySelector("[data-live]");
    let wait = 0, asked = 0;
    const show = async () => {
      const mine = ++asked;
      try {
        const answer = await fetch(form.dataset.preview + "?" + new URLSearchParams({ matchers: area.value }));
        if (!answer.ok || mine !== asked) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        place.replaceChildren(...page.body.childNodes);
      } catch { /* the button shows it without a script */ }
    };
    area.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(show, 250); });
  }

  // A file dropped on a text field is read into it.
  for (const area of document.querySelectorAll("textarea[data-drop]")) {
    const file = make("input", { type: "file", accept: "application/json,.json" });
    file.setAttribute("aria-label", "Read from a file");
    file.onchange = async () => { if (file.files[0]) area.value = await file.files[0].text(); };
    area.closest("label").after(file);
  }

  // A link to a closed part opens it.
  const open = () => { const el = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1))); if (el?.nodeName === "DETAILS") el.open = true; };
  addEventListener("hashchange", open);
  open();
})();
