// The page: a review goes to the model, its answer, its reasons and the server's figures come back.

import { look, parse, path, quantile } from "./figures.js";
import { Model } from "./model.js";
import { leaveOut, strength, weight } from "./words.js";

const EVERY = 5000; // milliseconds between looks at the metrics
const KEPT = 60; // looks that the curve shows
const BARS = 12; // classes that have a bar of their own

const at = (id) => document.getElementById(id);
const model = new Model(document.body.dataset.model);
const percent = (probability) => `${(100 * probability).toFixed(1)} %`;
let asked = 0;
let classes = ["negative", "positive"];
let named; // the version whose classes these are
let explained; // {scores, found}: the answer whose words are shown, and its pieces

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(at("review").value);
});
at("class").addEventListener("change", () => showReasons());
at("review").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
});

async function ask(text) {
  const turn = ++asked; // a later question makes an earlier one's answers stale
  model.key = at("key").value.trim();
  for (const id of ["problem", "answer", "reasons"]) at(id).hidden = true;
  if (!text.trim()) return showProblem("Type a review first.");
  busy(true);
  try {
    const { version, answers } = await model.predict([text]);
    if (version !== named) [classes, named] = [await model.classes(), version];
    if (turn !== asked) return;
    const [{ label, scores }] = answers;
    showAnswer(label, scores, version);
    offerClasses(label);
    explained = { scores, found: [] };
    showReasons();
    at("reasons").hidden = false;
    const found = await leaveOut(model, text, (done, all) => {
      if (turn === asked) at("progress").textContent = done < all ? `${done} of ${all} places tried` : "";
    });
    if (turn !== asked) return;
    explained = { scores, found };
    showReasons();
  } catch (error) {
    if (turn === asked) showProblem(error.message, error.status);
  } finally {
    if (turn === asked) busy(false);
  }
}

function busy(yes) {
  at("ask").setAttribute("aria-busy", yes);
}

function showProblem(message, status) {
  at("problem").textContent = message;
  at("problem").hidden = false;
  if (status === 401 || status === 403) {
    at("key-row").hidden = false;
    at("key").focus();
  }
}

function showAnswer(label, scores, version) {
  const two = scores.length === 2;
  at("label").textContent = label;
  at("label").className = two ? (label === classes[1] ? "up" : "down") : "";
  at("two").hidden = !two;
  at("bars").hidden = two;
  if (two) showScale(scores[1]);
  else showBars(label, scores);
  at("version").textContent = `answered by version ${version}`;
  at("answer").hidden = false;
}

function showScale(positive) {
  at("share").textContent = `probability of ${classes[1]}: ${percent(positive)}`;
  at("needle").style.left = `${100 * positive}%`;
  at("scale").setAttribute("aria-label", `${percent(positive)} on the way from ${classes[0]} to ${classes[1]}`);
  for (const each of document.querySelectorAll("[data-class]")) each.textContent = classes[each.dataset.class];
}

function showBars(label, scores) {
  at("share").textContent = `probability: ${percent(scores[classes.indexOf(label)])}`;
  const sorted = classes.map((name, place) => ({ name, score: scores[place] })).sort((a, b) => b.score - a.score);
  const shown = sorted.length > BARS ? sorted.slice(0, BARS - 1) : sorted;
  const others = sorted.slice(shown.length);
  if (others.length) {
    const together = others.reduce((sum, { score }) => sum + score, 0);
    shown.push({ name: `${others.length} others together`, score: together });
  }
  at("bars").replaceChildren(...shown.map(({ name, score }) => bar(name, score, name === label)));
}

function bar(name, score, isLabel) {
  const made = document.createElement("li");
  const [title, track, filled, share] = Array.from({ length: 4 }, () => document.createElement("span"));
  title.textContent = name;
  track.className = "track";
  filled.style.width = `${100 * score}%`;
  track.append(filled);
  share.textContent = percent(score);
  made.append(title, track, share);
  made.classList.toggle("label", isLabel);
  return made;
}

function offerClasses(label) {
  at("choice").hidden = classes.length === 2;
  at("class").replaceChildren(...classes.map((name, place) => new Option(name, place, false, name === label)));
}

/** The place of the class that words speak for: of two classes the positive one, of more the chosen one. */
function place() {
  return classes.length === 2 ? 1 : at("class").selectedIndex;
}

function showReasons() {
  const { scores, found } = explained;
  const chosen = place();
  const against = classes.length === 2 ? `for ${classes[0]}` : `against ${classes[chosen]}`;
  for (const each of document.querySelectorAll(".chosen")) each.textContent = classes[chosen];
  for (const each of document.querySelectorAll(".other")) each.textContent = against;
  at("speaks").textContent = classes.length === 2 ? "speaks for" : "speaks";
  const weights = new Map(found.filter((piece) => piece.isWord).map((piece) => [piece, weight(piece, scores, chosen)]));
  const words = [...weights.keys()].sort((a, b) => Math.abs(weights.get(b)) - Math.abs(weights.get(a)));
  const strongest = Math.abs(weights.get(words[0]) ?? 0);
  const without = (piece) => percent(piece.without[chosen]);
  at("marked").replaceChildren(
    ...found.map((piece) => {
      const mark = piece.isWord ? strength(weights.get(piece), strongest) : 0;
      if (!mark) return document.createTextNode(piece.text);
      const element = document.createElement("mark");
      element.className = `${weights.get(piece) > 0 ? "up" : "down"} s${mark}`;
      element.title = `without it ${without(piece)}`;
      element.textContent = piece.text;
      return element;
    }),
  );
  const telling = words.filter((piece) => strength(weights.get(piece), strongest)).slice(0, 8);
  at("strongest").closest("table").hidden = !telling.length;
  at("strongest").replaceChildren(
    ...telling.map((piece) => row(piece.text, side(weights.get(piece) > 0, chosen), without(piece))),
  );
  if (found.length) at("progress").textContent = telling.length ? "" : "No single word changes the answer.";
}

function side(isFor, chosen) {
  if (classes.length === 2) return classes[isFor ? 1 : 0];
  return isFor ? `for ${classes[chosen]}` : `against ${classes[chosen]}`;
}

function row(...cells) {
  const made = document.createElement("tr");
  for (const cell of cells) made.insertCell().textContent = cell;
  return made;
}

let first, last;
const rates = [];

async function refresh() {
  if (document.hidden) return;
  try {
    at("state").textContent = (await model.ready()) ? "Ready." : "Not ready: there is no version that can be served.";
    const text = await model.metrics();
    if (text === undefined) return;
    const now = { ...look(parse(text)), time: performance.now() };
    first ??= now;
    if (last) {
      rates.push((1000 * (now.requests - last.requests)) / (now.time - last.time));
      rates.splice(0, rates.length - KEPT);
    }
    last = now;
    showFigures(now);
  } catch (error) {
    at("state").textContent = error.message;
  }
}

function showFigures(now) {
  const time = (share) => {
    const found = quantile(first, now, share);
    return found === undefined ? "–" : `${found < 10 ? found.toFixed(2) : found.toFixed(0)} ms`;
  };
  at("requests").textContent = (now.requests - first.requests).toLocaleString("en");
  at("errors").textContent = (now.errors - first.errors).toLocaleString("en");
  at("rate").textContent = rates.length ? rates.at(-1).toFixed(1) : "–";
  at("median").textContent = time(0.5);
  at("slow").textContent = time(0.99);
  at("queue").textContent = now.queue;
  at("curve").toggleAttribute("hidden", rates.length < 2);
  at("line").setAttribute("d", path(rates, 300, 48));
  at("peak").textContent = Math.max(0, ...rates).toFixed(1);
}

refresh();
setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
