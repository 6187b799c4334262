// What the desk does beyond its HTML: parts of pages without a reload, the keyboard, what is new, the clipboard. Every page
// works without this file. Texts come from the server, in the reader's language.

const say = document.getElementById("say");
const tell = (text) => { say.textContent = ""; setTimeout(() => { say.textContent = text; }, 30); };
const visible = (e) => e && e.getClientRects().length > 0;

// Parts: an element with data-into="<id>" data-part="<name>" puts a part of its page into the element of that id.

const running = new Map();

async function fetchPart(url, part, init = {}) {
	const answer = await fetch(url, { ...init, headers: { "Newspool-Part": part, Accept: "text/html", ...init.headers } });
	if (answer.status === 401) { location.assign("/signin?next=" + encodeURIComponent(location.pathname + location.search)); }
	return answer;
}

async function load(url, into, part, init) {
	const target = document.getElementById(into);
	running.get(into)?.abort();
	const control = new AbortController();
	running.set(into, control);
	const slow = setTimeout(() => target.setAttribute("aria-busy", "true"), 200);
	try {
		const answer = await fetchPart(url, part, { ...init, signal: control.signal });
		const html = await answer.text();
		if (answer.redirected && !answer.headers.get("Newspool-Part")) { location.assign(answer.url); return false; }
		target.innerHTML = html;
		target.scrollTop = 0;
		outdate();
		return answer.ok;
	} catch (e) {
		if (e.name !== "AbortError") { tell(say.dataset.failed); }
		return false;
	} finally {
		clearTimeout(slow);
		if (running.get(into) === control) { running.delete(into); target.removeAttribute("aria-busy"); }
	}
}

document.addEventListener("click", (e) => {
	const link = e.target.closest("a[data-into]");
	if (!link || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) { return; }
	e.preventDefault();
	const row = link.closest("[data-item]");
	if (row) {
		const again = e.detail === 0 && row.hasAttribute("aria-current");
		if (again || !visible(document.getElementById(link.dataset.into))) { location.assign(row.dataset.full); return; }
		select(row, true);
		return;
	}
	follow(link);
});

async function follow(link) {
	if (!(await load(link.href, link.dataset.into, link.dataset.part))) { return; }
	if (!link.hasAttribute("data-quiet")) { history.pushState({ into: link.dataset.into, part: link.dataset.part }, "", link.href); }
	if (link.dataset.into === "list") { afterList(); }
}

// afterList sets up what a list that was put in needs: the row that is open, the stream, the bell.
function afterList() {
	const open = document.querySelector("#preview [data-open]")?.dataset.open ?? "";
	document.querySelector(`#list [data-item="${CSS.escape(open)}"]`)?.setAttribute("aria-current", "true");
	document.querySelector("#list h1").focus();
	showBell();
	listen();
}

document.addEventListener("submit", async (e) => {
	const form = e.target;
	if (form.dataset.into === undefined && !form.hasAttribute("data-copy")) { return; }
	e.preventDefault();
	const init = { method: "POST", body: new URLSearchParams(new FormData(form, e.submitter)) };
	const url = e.submitter?.getAttribute("formaction") || form.getAttribute("action");
	if (form.hasAttribute("data-copy")) { await copy(url, init); return; }
	await load(url, form.dataset.into, form.dataset.part, init);
});

addEventListener("popstate", (e) => {
	if (!e.state?.into) { location.reload(); return; }
	load(location.href, e.state.into, e.state.part);
	const item = new URL(location.href).searchParams.get("item");
	markRow(document.querySelector(`[data-item="${CSS.escape(item ?? "")}"]`));
});
if (document.getElementById("preview")) { history.replaceState({ into: "preview", part: "item" }, ""); }

// The clipboard: the server notes the use and gives the text in a field.

async function copy(url, init) {
	const box = document.getElementById("copied");
	if (!(await load(url, "copied", "copy", init))) { box.showPopover?.(); return; }
	const field = box.querySelector("textarea");
	try {
		if (field.dataset.type === "text/html") {
			const plain = box.querySelector("[data-plain]").value;
			await navigator.clipboard.write([new ClipboardItem({
				"text/html": new Blob([field.value], { type: "text/html" }),
				"text/plain": new Blob([plain], { type: "text/plain" }),
			})]);
		} else {
			await navigator.clipboard.writeText(field.value);
		}
		const done = box.querySelector("[data-done]");
		box.replaceChildren(done);
		done.hidden = false;
		box.classList.add("brief");
		setTimeout(() => { if (box.contains(done)) { box.hidePopover(); } }, 2500);
	} catch {
		box.classList.remove("brief");
		setTimeout(() => field.select(), 50);
	}
	box.showPopover();
}

// The list: j and k move, Enter opens.

const rows = () => [...document.querySelectorAll("#list [data-item]")];

function markRow(row) {
	for (const r of document.querySelectorAll("#list .row[aria-current]")) { r.removeAttribute("aria-current"); }
	if (!row) { return; }
	row.setAttribute("aria-current", "true");
	row.classList.add("read");
	row.scrollIntoView({ block: "nearest" });
}

function select(row, push) {
	const link = row.querySelector("a[data-into]");
	markRow(row);
	link.focus({ preventScroll: true });
	history[push ? "pushState" : "replaceState"]({ into: "preview", part: "item" }, "", link.href);
	load(link.href, "preview", "item");
}

function move(step) {
	const all = rows();
	const at = all.findIndex((r) => r.hasAttribute("aria-current"));
	const row = all[at < 0 ? 0 : at + step];
	if (!row) { return; }
	if (visible(document.getElementById("preview"))) { select(row, false); return; }
	markRow(row);
	row.querySelector("a").focus();
}

// The keyboard: an element with data-key="u" or data-key="g w" is pressed by these letters. The letter that was typed
// counts; where it is not Latin, the key in its place.

let before = "";
let forget = 0;

function letterOf(e) {
	if (e.key === "؟") { return "?"; }
	if (e.key.length === 1 && /[a-z0-9?.]/i.test(e.key)) { return e.key.toLowerCase(); }
	if (e.key.length === 1 && /\p{L}/u.test(e.key) && /^Key[A-Z]$/.test(e.code)) { return e.code.slice(3).toLowerCase(); }
	return e.key === "Enter" ? "enter" : "";
}

function press(keys) {
	for (const e of document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)) {
		if (visible(e) && !e.disabled) { e.click(); return true; }
	}
	return false;
}

document.addEventListener("keydown", (e) => {
	if (document.body.dataset.keys === "off" || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) { return; }
	if (e.target.closest("input, select, textarea, [contenteditable], [role=separator]") || document.querySelector("[popover]:popover-open")) { return; }
	const letter = letterOf(e);
	if (!letter) { return; }
	const keys = before ? before + " " + letter : letter;
	before = "";
	clearTimeout(forget);
	let done = true;
	if (keys === "j" || keys === "k") { move(keys === "j" ? 1 : -1); }
	else if (e.repeat) { return; }
	else if (keys === "?") { document.getElementById("keys")?.showPopover(); }
	else if (keys === "g") { before = "g"; forget = setTimeout(() => { before = ""; }, 1200); }
	else if (keys === "enter") {
		const row = document.querySelector("#list .row[aria-current]");
		done = row !== null && document.activeElement === document.body;
		if (done) { location.assign(row.dataset.full); }
	} else { done = press(keys); }
	if (done) { e.preventDefault(); }
});

// What is new: the stream tells, the list stays where it is. A browser keeps few connections to one desk, so a page that
// nobody sees gives its stream up and asks now and then; so does one that gets no stream.

let stream = null;
let asking = 0;
let heard = 0;
let told = 0;
const title = document.querySelector("[data-title]")?.dataset.title ?? document.title;
const liveSource = () => document.querySelector("[data-live]")?.dataset.live;

function listen() {
	stream?.close();
	stream = null;
	clearInterval(asking);
	const source = liveSource();
	if (!source) { return; }
	heard = Date.now();
	if (document.hidden) { asking = setInterval(ask, 30000); return; }
	const mine = stream = new EventSource(source + (told ? "&told=" + told : ""));
	setTimeout(() => {
		if (stream === mine && mine.readyState !== EventSource.OPEN) { mine.close(); stream = null; asking = setInterval(ask, 15000); ask(); }
	}, 6000);
	stream.onopen = alive;
	stream.addEventListener("beat", alive);
	for (const name of Object.keys(events)) { stream.addEventListener(name, (e) => { alive(); events[name](JSON.parse(e.data)); }); }
}

async function ask() {
	try {
		const answer = await fetch(liveSource() + (told ? "&told=" + told : ""), { headers: { Accept: "application/json", "Newspool-Part": "live" } });
		if (!answer.ok) { return; }
		alive();
		for (const e of await answer.json()) { events[e.event](e.data); }
	} catch { /* the watch below says it */ }
}

const events = {
	new(news) {
		told = Math.max(told, news.told);
		const pill = document.getElementById("pill");
		pill.querySelector("a").textContent = news.text;
		pill.hidden = news.count === 0;
		document.title = (news.mark ? news.mark + " " : "") + title;
		if (news.urgent) { alarm(news.urgent); }
	},
	row(change) {
		told = Math.max(told, change.line);
		changed.set(change.item, { line: change.line, gone: change.gone });
		outdate();
		const place = `#list [data-item="${CSS.escape(change.item)}"]`;
		const row = document.querySelector(place);
		if (!row) { return; }
		const current = row.hasAttribute("aria-current");
		row.outerHTML = change.html;
		if (current) { document.querySelector(place).setAttribute("aria-current", "true"); }
	},
};

// Texts that are open: one that has changed since it was read says so; one that was withdrawn goes at once, wherever it came
// from, and so does a copy that is still shown.

const changed = new Map();

function outdate() {
	for (const open of document.querySelectorAll("[data-open]")) {
		const change = changed.get(open.dataset.open);
		if (!change || change.line <= Number(open.dataset.line)) { continue; }
		open.querySelector("[data-changed]").hidden = false;
		if (!change.gone) { continue; }
		for (const part of open.querySelectorAll(".acts, .strips, .led, .story, .compared, .figures")) { part.remove(); }
		document.getElementById("copied").replaceChildren();
		document.getElementById("copied").hidePopover?.();
		const into = open.parentElement.id;
		if (running.has(into)) { continue; } // something else is on its way there, and comes back here
		changed.delete(open.dataset.open);
		load(open.dataset.href, into, "item", unasked);
	}
}

// unasked says to the desk that no person asked for a part: what comes so has been opened by nobody.
const unasked = { headers: { "Newspool-Unasked": "yes" } };

// A page that a browser keeps for the way back keeps its connections too. A desk has only a few, so it gives its own up.
addEventListener("pagehide", () => { stream?.close(); stream = null; clearInterval(asking); });
addEventListener("pageshow", (e) => { if (e.persisted) { listen(); } });

let later = 0;
document.addEventListener("visibilitychange", () => {
	clearTimeout(later);
	if (document.hidden) { later = setTimeout(listen, 20000); } else if (!stream || stream.readyState === EventSource.CLOSED) { listen(); }
});

function alive() { heard = Date.now(); lost(false); }

function lost(is) {
	const strip = document.getElementById("lost");
	if (strip && strip.hidden === is) { strip.hidden = !is; if (is) { tell(say.dataset.lost); } }
}
setInterval(() => {
	if (!liveSource() || document.hidden || Date.now() - heard < 45000) { return; }
	lost(true);
	if (stream?.readyState === EventSource.CLOSED) { listen(); heard = 0; }
}, 5000);

// Sound and notification, for those who want them; the choice stays in this browser.

const wanted = "newspool-sound";
const bellRings = () => localStorage.getItem(wanted) === "on";

function showBell() {
	const bell = document.querySelector("[data-sound]");
	if (bell) { bell.hidden = false; bell.setAttribute("aria-pressed", String(bellRings())); }
}

document.addEventListener("click", (e) => {
	if (!e.target.closest("[data-sound]")) { return; }
	localStorage.setItem(wanted, bellRings() ? "off" : "on");
	showBell();
	if (bellRings()) { tone(); globalThis.Notification?.requestPermission(); }
});

function alarm(text) {
	if (!bellRings()) { return; }
	tone();
	if (globalThis.Notification?.permission === "granted" && document.hidden) { new Notification(text, { tag: "urgent" }); }
}

function tone() {
	const audio = new AudioContext();
	for (const [at, pitch] of [[0, 880], [0.18, 1175]]) {
		const wave = audio.createOscillator();
		const loud = audio.createGain();
		wave.frequency.value = pitch;
		loud.gain.setValueAtTime(0.12, audio.currentTime + at);
		loud.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at + 0.16);
		wave.connect(loud).connect(audio.destination);
		wave.start(audio.currentTime + at);
		wave.stop(audio.currentTime + at + 0.17);
	}
}

// The frame, and what waits for an answer, keep themselves current while somebody looks.

const last = new WeakMap();
const due = new WeakMap();

async function refresh(place) {
	const every = 1000 * (place.dataset.every ?? 10);
	due.set(place, Date.now() + every);
	try {
		const answer = await fetchPart(place.dataset.refresh, place.dataset.part, unasked);
		if (!answer.ok) { return; }
		const html = await answer.text();
		if (html !== last.get(place)) { last.set(place, html); place.innerHTML = html; }
	} catch { /* the next time */ }
}

setInterval(() => {
	if (document.hidden) { return; }
	for (const place of document.querySelectorAll("[data-refresh]")) {
		if (!due.has(place)) { due.set(place, Date.now() + 1000 * (place.dataset.every ?? 10)); }
		if (Date.now() >= due.get(place) && !place.contains(document.activeElement)) { refresh(place); }
	}
}, 500);

// The border between list and preview can be moved, by mouse and by keyboard.

const border = document.querySelector("[role=separator]");
if (border) {
	border.hidden = false;
	const wire = border.parentElement;
	const list = document.getElementById("list");
	const set = (width) => {
		const px = Math.round(Math.min(Math.max(width, 260), wire.clientWidth - 320));
		wire.style.setProperty("--list", px + "px");
		border.setAttribute("aria-valuenow", String(Math.round(100 * px / wire.clientWidth)));
		localStorage.setItem("newspool-list", String(px));
	};
	const kept = Number(localStorage.getItem("newspool-list"));
	if (kept) { set(kept); }
	const forward = getComputedStyle(wire).direction === "rtl" ? -1 : 1;
	border.addEventListener("pointerdown", (e) => {
		border.setPointerCapture(e.pointerId);
		const start = e.clientX, width = list.clientWidth;
		border.onpointermove = (m) => set(width + forward * (m.clientX - start));
		border.onpointerup = () => { border.onpointermove = null; };
	});
	border.addEventListener("keydown", (e) => {
		const step = { ArrowLeft: -24, ArrowRight: 24 }[e.key];
		if (step) { set(list.clientWidth + forward * step); e.preventDefault(); }
	});
}

// Choices that take effect at once, and menus that close when one looks elsewhere.

document.addEventListener("change", (e) => {
	if (!e.target.matches("[data-now]")) { return; }
	const { now, busy } = e.target.dataset;
	if (busy) { tell(busy); e.target.form.setAttribute("aria-busy", "true"); }
	e.target.form.requestSubmit(now ? e.target.form.querySelector(`button[value="${now}"]:not(.vh)`) : undefined);
});
addEventListener("pageshow", () => { for (const f of document.querySelectorAll("form[aria-busy]")) { f.removeAttribute("aria-busy"); } });
document.addEventListener("click", (e) => {
	for (const open of document.querySelectorAll("details[open].me, details[open].menu")) {
		if (!open.contains(e.target)) { open.open = false; }
	}
});
document.addEventListener("keydown", (e) => {
	if (e.key !== "Escape") { return; }
	for (const open of document.querySelectorAll("details[open].me, details[open].menu")) {
		open.open = false;
		open.querySelector("summary").focus();
	}
});

showBell();
listen();
