// Enhancement only: local times, a running age of the data, and pages that renew themselves in place.
"use strict";
(() => {
  const two = (n) => String(n).padStart(2, "0");
  const clock = (d) => two(d.getHours()) + ":" + two(d.getMinutes());
  const day = (d) => d.toLocaleDateString(undefined, { day: "numeric", month: "short" });

  function localTimes(root) {
    const today = new Date().toDateString();
    for (const el of root.querySelectorAll("time[datetime]")) {
      const d = new Date(el.dateTime);
      if (isNaN(d)) continue;
      el.title = el.dateTime.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
      const time = el.dataset.f === "second" ? clock(d) + ":" + two(d.getSeconds()) : clock(d);
      el.textContent = d.toDateString() === today ? time : day(d) + " " + time;
    }
    for (const el of root.querySelectorAll("text[data-t]")) {
      const d = new Date(+el.dataset.t);
      el.textContent = el.dataset.f === "day" ? day(d) : clock(d);
    }
  }

  // The server's clock, as far as we know it: a phone's own may be minutes off.
  let offset = 0;
  function readClock() {
    const age = document.querySelector("[data-now]");
    if (age) offset = +age.dataset.now - Date.now();
  }
  function tick() {
    const age = document.querySelector("[data-at]");
    if (!age) return;
    const ms = Math.max(0, Date.now() + offset - age.dataset.at), s = Math.floor(ms / 1000);
    const text = s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " m" : Math.floor(s / 3600) + " h " + Math.floor(s / 60) % 60 + " m";
    const missed = ms / age.dataset.every;
    age.querySelector("b").textContent = text;
    age.className = "tag age " + (missed >= 5 ? "bad" : missed >= 2 ? "warn" : "");
  }

  // Makes `old` look like `fresh` by touching only what differs, so that focus, scroll position, opened details and
  // what somebody is typing stay.
  function morph(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) {
      old.replaceWith(fresh.cloneNode(true));
      return;
    }
    if (old.nodeType !== 1) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    if (old.matches("input,textarea,select,[data-live]")) return;
    if (old.isEqualNode(fresh)) return;
    const keep = (name) => name === "open" && old.nodeName === "DETAILS";
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !keep(name)) old.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes]) if (!keep(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    morphChildren(old, fresh);
  }

  // What has an id is found again wherever it went: a button must never come to act on something else.
  function morphChildren(old, fresh) {
    let at = old.firstChild;
    for (const node of fresh.childNodes) {
      let match = at && !at.id ? at : null;
      if (node.id) {
        match = [...old.children].find((child) => child.id === node.id) || null;
        if (match && match !== at) old.insertBefore(match, at);
      }
      if (!match) { old.insertBefore(node.cloneNode(true), at); continue; }
      if (match === at) at = at.nextSibling;
      morph(match, node);
    }
    while (at) { const next = at.nextSibling; at.remove(); at = next; }
  }

  let busy = false, again = false;
  async function renew() {
    if (busy) { again = true; return; }
    busy = true;
    // What somebody asked for stays as it is until asked again; only the frame around it is renewed.
    const still = document.querySelector("[data-still]");
    try {
      const answer = await fetch(still ? location.pathname : location.href, { headers: { "x-renew": "1" }, cache: "no-store" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        localTimes(page);
        const focused = document.activeElement;
        for (const part of still ? ["header"] : ["header", "main"]) {
          const old = document.querySelector(part), fresh = page.querySelector(part);
          if (old && fresh) morph(old, fresh);
        }
        // What moves loses the focus; whoever walks by keys would be thrown back to the top.
        if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
        if (!still) document.title = page.title;
        readClock();
        tick();
      }
    } catch { /* the age of the data keeps running and turns red by itself */ }
    setTimeout(() => { busy = false; if (again) { again = false; renew(); } }, 1000);
  }

  // A browser allows six connections to a host, in all tabs together: only a page that is looked at holds one open.
  let polling = 0, events = null;
  function listen() {
    if (!window.EventSource || document.hidden) { poll(); return; }
    if (events) return;
    events = new EventSource("/events");
    events.addEventListener("change", renew);
    events.onopen = () => { clearInterval(polling); polling = 0; };
    events.onerror = poll;
  }
  function hush() {
    if (events) events.close();
    events = null;
  }
  function poll() { if (!polling) polling = setInterval(renew, 10000); }

  addEventListener("bellwether:renew", renew);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { hush(); poll(); } else { listen(); renew(); }
  });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", (event) => { if (event.persisted) { listen(); renew(); } });
  document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  localTimes(document);
  readClock();
  tick();
  setInterval(tick, 1000);
  listen();
})();
