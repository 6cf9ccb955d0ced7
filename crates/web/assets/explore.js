// Enhancement of the page that asks: completion, mistakes underlined while one types, values under the pointer.
"use strict";
(() => {
  const two = (n) => String(n).padStart(2, "0");
  const post = (path, fields, signal) => fetch(path, { method: "POST", body: new URLSearchParams(fields), signal });
  const node = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // ---- the editor: the copy below the text follows it, and is where mistakes are marked

  function editor(area) {
    const box = area.parentElement, under = box.querySelector(".under");
    const say = document.getElementById("say" + area.id.slice(4));
    let checking = null, timer = 0;

    function mark(from, to) {
      const text = area.value;
      under.replaceChildren(document.createTextNode(text.slice(0, from)));
      if (to > from) under.append(node("mark", "", text.slice(from, to)));
      under.append(text.slice(to) + "\n");
    }
    // Lines and columns are counted in characters, texts here in UTF-16.
    function offset(line, column) {
      const lines = area.value.split("\n");
      let at = 0;
      for (let n = 0; n < line - 1 && n < lines.length; n++) at += lines[n].length + 1;
      return at + [...(lines[line - 1] || "")].slice(0, column - 1).join("").length;
    }
    async function check() {
      if (checking) checking.abort();
      if (!area.value.trim()) { say.replaceChildren(); return; }
      checking = new AbortController();
      try {
        const text = area.value;
        const answer = await (await post("/api/bellwether/v1/check_query", { query: text }, checking.signal)).json();
        if (area.value !== text) return;
        const first = answer.problems[0];
        area.toggleAttribute("aria-invalid", !!first);
        say.replaceChildren();
        if (!first) { mark(0, 0); return; }
        const from = offset(first.line, first.column);
        const to = Math.max(from + [...text.slice(from)].slice(0, first.length).join("").length, Math.min(from + 1, text.length));
        mark(from, to);
        say.append(node("b", "bad", "▲ " + first.message), first.help ? "; " + first.help : "");
      } catch { /* a newer check is on its way, or the server is away; what was said stays */ }
    }
    area.addEventListener("input", () => {
      mark(0, 0);
      clearTimeout(timer);
      timer = setTimeout(check, 350);
    });
    completion(area, box);
  }

  // ---- completion

  function completion(area, box) {
    const list = node("ul", "options");
    list.id = area.id + "-options";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    list.hidden = true;
    box.append(list);
    for (const [name, value] of [["aria-autocomplete", "list"], ["aria-haspopup", "listbox"], ["aria-controls", list.id]]) area.setAttribute(name, value);
    let items = [], chosen = -1, replaces = 0, typed = "", asking = null, timer = 0;

    function close() {
      list.hidden = true;
      chosen = -1;
      area.removeAttribute("aria-activedescendant");
      if (asking) asking.abort();
      clearTimeout(timer);
    }
    function choose(index) {
      chosen = (index + items.length) % items.length;
      [...list.children].forEach((item, n) => item.setAttribute("aria-selected", n === chosen));
      list.children[chosen].scrollIntoView({ block: "nearest" });
      area.setAttribute("aria-activedescendant", list.children[chosen].id);
    }
    function show(answer, always) {
      const before = area.value.slice(0, area.selectionStart);
      items = answer.suggestions;
      replaces = answer.replaces;
      typed = before.slice(before.length - replaces);
      const isDone = items.length === 1 && items[0].text === typed;
      // Where anything can stand, nothing is offered before something was begun.
      const isAnything = !typed && items.some((item) => item.kind === "function");
      if (!items.length || isDone || (isAnything && !always) || document.activeElement !== area) { close(); return; }
      list.replaceChildren(...items.map((item, n) => {
        const row = node("li");
        row.id = list.id + n;
        row.setAttribute("role", "option");
        row.append(node("span", "mono", item.text), node("span", "dim", item.detail || item.kind));
        row.addEventListener("pointerdown", (event) => { event.preventDefault(); take(n); });
        return row;
      }));
      list.hidden = false;
      choose(0);
    }
    function take(index) {
      const item = items[index], end = area.selectionStart;
      let text = item.text, rest = area.value.slice(end);
      if (item.kind === "value" && !/^["'`]/.test(rest)) text += '"';
      if (text.endsWith("(") && !rest.startsWith("(")) {
        area.setRangeText(text + ")", end - replaces, end, "end");
        area.selectionStart = area.selectionEnd = area.selectionEnd - 1;
      } else {
        area.setRangeText(text, end - replaces, end, "end");
      }
      close();
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
    async function ask(always) {
      const before = area.value.slice(0, area.selectionStart);
      // Nothing was begun: only who asks for it by Ctrl and space is shown everything.
      if (!always && !/[\w:.{("'`,[=~|-]$/.test(before)) { close(); return; }
      if (asking) asking.abort();
      asking = new AbortController();
      try {
        const answer = await (await post("/api/bellwether/v1/complete", { before }, asking.signal)).json();
        if (area.value.slice(0, area.selectionStart) === before) show(answer, always);
      } catch { /* typed on, or the server is away */ }
    }
    area.addEventListener("input", (event) => {
      clearTimeout(timer);
      if (event.isTrusted === false && !/["{(,]$/.test(area.value.slice(0, area.selectionStart))) return;
      timer = setTimeout(() => ask(false), 90);
    });
    area.addEventListener("blur", close);
    area.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === " " && event.ctrlKey) { event.preventDefault(); ask(true); return; }
      if (!list.hidden) {
        const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6 }[event.key];
        if (step) {
          event.preventDefault();
          // One step goes round at the ends, a page stops there.
          choose(Math.abs(step) === 1 ? chosen + step : Math.max(0, Math.min(items.length - 1, chosen + step)));
          return;
        }
        // What is already there in full need not be chosen: Enter then runs the query.
        const isEnter = event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey;
        if (event.key === "Tab" || (isEnter && items[chosen].text !== typed)) { event.preventDefault(); take(chosen); return; }
        if (event.key === "Escape") { event.preventDefault(); close(); return; }
      }
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); close(); area.form.requestSubmit(); }
    });
  }

  // ---- values under the pointer, or under a cursor that the arrow keys move

  function plot(figure) {
    const svg = figure.querySelector("svg.chart"), out = figure.querySelector(".read");
    if (!svg || !svg.dataset.step) return;
    const from = +svg.dataset.from, to = +svg.dataset.to, step = +svg.dataset.step;
    const [left, right, top, bottom] = svg.dataset.area.split(" ").map(Number);
    const lines = [...svg.querySelectorAll("path[data-values]")].map((path) => path.dataset.values.split(" "));
    const last = Math.floor((to - from) / step);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("y1", top);
    cursor.setAttribute("y2", bottom);
    cursor.style.display = "none";
    svg.append(cursor);
    const boxes = [...figure.querySelectorAll("[data-line]")];
    const shown = boxes.map((box) => box.closest("label").querySelector(".last"));
    const usual = shown.map((cell) => cell && cell.textContent);
    const events = [...svg.querySelectorAll(".ex")].map((mark) => {
      const [x, y] = mark.dataset.spot.split(" ").map(Number);
      return { at: +mark.dataset.event, x, y, mark, text: mark.textContent };
    });
    let here = -1, chosen = -1;

    // An event is told beside the time at which it happened.
    function tell(number) {
      chosen = number;
      events.forEach(({ mark }, n) => mark.classList.toggle("on", n === number));
      if (number < 0) return;
      out.append(" ", node("span", "mono", "◆ " + events[number].text));
    }
    function read(index, number = -1) {
      here = Math.max(0, Math.min(last, index));
      const at = number < 0 ? from + here * step : events[number].at, x = left + (to > from ? (at - from) / (to - from) : 0) * (right - left);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.style.display = "";
      const d = new Date(at);
      out.textContent = d.toLocaleDateString(undefined, { day: "numeric", month: "short" }) + " " + [d.getHours(), d.getMinutes(), d.getSeconds()].map(two).join(":");
      out.title = d.toISOString();
      shown.forEach((cell, n) => { if (cell) cell.textContent = (lines[n] && lines[n][here]) || "–"; });
      tell(number);
    }
    function leave() {
      here = -1;
      tell(-1);
      cursor.style.display = "none";
      out.textContent = "";
      shown.forEach((cell, n) => { if (cell) cell.textContent = usual[n]; });
    }
    // From the event at hand, or from where the cursor is, to the next one.
    function next(along) {
      const now = chosen >= 0 ? events[chosen].at : here < 0 ? to + 1 : from + here * step;
      let number = chosen + along;
      if (chosen < 0) number = along > 0 ? events.findIndex((one) => one.at >= now) : events.findLastIndex((one) => one.at <= now);
      if (number < 0 || number >= events.length) number = along > 0 ? events.length - 1 : 0;
      read(Math.round((events[number].at - from) / step), number);
    }
    function point(event) {
      const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      // A finger's tip hides what it is on: the nearest within its reach is meant.
      const reach = event.pointerType === "mouse" ? 5 : 14;
      const far = (one) => Math.hypot(one.x - x, one.y - y);
      const near = events.reduce((best, one, n) => (far(one) < reach && (best < 0 || far(one) < far(events[best])) ? n : best), -1);
      const at = near < 0 ? ((x - left) / (right - left)) * (to - from) : events[near].at - from;
      read(Math.round(at / step), near);
    }
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") leave(); });
    figure.addEventListener("keydown", (event) => {
      if (event.target !== figure) return;
      const along = event.shiftKey && events.length && { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (along) { event.preventDefault(); next(along); return; }
      const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (move) { event.preventDefault(); read(here < 0 ? last : here + move); }
      if (event.key === "Home") { event.preventDefault(); read(0); }
      if (event.key === "End") { event.preventDefault(); read(last); }
      if (event.key === "Escape") leave();
    });
    // A click with Alt on a name shows that line alone, and again all of them.
    for (const box of boxes) {
      box.closest("label").addEventListener("click", (event) => {
        if (!event.altKey) return;
        event.preventDefault();
        const isAlone = boxes.every((other) => other.checked === (other === box));
        for (const other of boxes) other.checked = isAlone || other === box;
      });
    }
  }

  for (const area of document.querySelectorAll(".editor textarea")) editor(area);
  for (const figure of document.querySelectorAll(".plot")) plot(figure);
  const first = document.querySelector(".editor textarea");
  if (first && !first.value && matchMedia("(pointer:fine)").matches) first.focus();
})();
