// The page: a text goes to the model, its answer, its reasons and the server's figures come back.

import { look, parse, path, quantile } from "./figures.js";
import { Model } from "./model.js";
import { strength, weigh } from "./words.js";

const EVERY = 5000; // milliseconds between looks at the metrics
const KEPT = 60; // looks that the curve shows

const at = (id) => document.getElementById(id);
const model = new Model(document.body.dataset.model);
const percent = (probability) => `${(100 * probability).toFixed(1)} %`;
let asked = 0;
let classes = ["negative", "positive"];
let named; // the version whose classes these are

at("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(at("text").value);
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
});

async function ask(text) {
  const turn = ++asked; // a later question makes an earlier one's answers stale
  model.key = at("key").value.trim();
  for (const id of ["problem", "answer", "reasons"]) at(id).hidden = true;
  if (!text.trim()) return showProblem("Type a text first.");
  busy(true);
  try {
    const { version, answers } = await model.predict([text]);
    if (version !== named) [classes, named] = [await model.classes(), version];
    if (turn !== asked) return;
    showAnswer(answers[0], version);
    showReasons([]);
    at("reasons").hidden = false;
    const found = await weigh(model, text, answers[0].probability, (done, all) => {
      if (turn === asked) at("progress").textContent = done < all ? `${done} of ${all} places tried` : "";
    });
    if (turn === asked) showReasons(found);
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

function showAnswer({ probability, label }, version) {
  at("label").textContent = label;
  at("label").className = probability >= 0.5 ? "up" : "down";
  at("share").textContent = `· probability of ${classes[1]}: ${percent(probability)}`;
  at("needle").style.left = `${100 * probability}%`;
  at("scale").setAttribute("aria-label", `${percent(probability)} on the way from ${classes[0]} to ${classes[1]}`);
  for (const each of document.querySelectorAll("[data-class]")) each.textContent = classes[each.dataset.class];
  at("version").textContent = `answered by version ${version}`;
  at("answer").hidden = false;
}

function showReasons(found) {
  const words = found.filter((piece) => piece.isWord).sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const strongest = Math.abs(words[0]?.weight ?? 0);
  at("marked").replaceChildren(
    ...found.map((piece) => {
      const mark = piece.isWord ? strength(piece.weight, strongest) : 0;
      if (!mark) return document.createTextNode(piece.text);
      const element = document.createElement("mark");
      element.className = `${side(piece.weight).mark} s${mark}`;
      element.title = `without it ${percent(piece.without)}`;
      element.textContent = piece.text;
      return element;
    }),
  );
  const telling = words.filter((piece) => strength(piece.weight, strongest)).slice(0, 8);
  at("strongest").closest("table").hidden = !telling.length;
  at("strongest").replaceChildren(...telling.map((piece) => row(piece.text, side(piece.weight).name, percent(piece.without))));
  if (found.length && !telling.length) at("progress").textContent = "No single word changes the answer.";
}

function side(weight) {
  return weight > 0 ? { mark: "up", name: classes[1] } : { mark: "down", name: classes[0] };
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
