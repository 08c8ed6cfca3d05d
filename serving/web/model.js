// The model, asked over the Open Inference Protocol: its answers name the version that gave them.

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Model {
  constructor(name) {
    this.name = name;
    this.key = "";
  }

  /** Whether the server can answer now. */
  async ready() {
    const answer = await this.#fetch("/readyz");
    return (await answer.json()).ready;
  }

  /** The answers to texts, in their order: {version, answers: [{probability, label}]}. */
  async predict(texts) {
    const input = { name: "text", shape: [texts.length], datatype: "BYTES", data: texts };
    const answer = await this.#fetch(`/v2/models/${encodeURIComponent(this.name)}/infer`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ inputs: [input] }),
    });
    const content = await answer.json();
    if (!answer.ok) throw new Refusal(answer.status, content.error);
    const outputs = Object.fromEntries(content.outputs.map((output) => [output.name, output.data]));
    return {
      version: content.model_version,
      answers: outputs.probability.map((probability, i) => ({ probability, label: outputs.label[i] })),
    };
  }

  /** The names of the two classes, the positive one last, from the version's signature `classify`. */
  async classes() {
    const answer = await this.#fetch(`/v1/models/${encodeURIComponent(this.name)}:classify`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ signature_name: "classify", examples: [{ text: "" }] }),
    });
    if (!answer.ok) return ["negative", "positive"]; // a model without that signature
    return (await answer.json()).results[0].map(([name]) => name);
  }

  /** The server's metrics as Prometheus reads them; undefined where they may not be seen. */
  async metrics() {
    const answer = await this.#fetch("/monitoring/prometheus/metrics");
    return answer.ok ? answer.text() : undefined;
  }

  async #fetch(path, options = {}) {
    const headers = { ...options.headers };
    if (this.key) headers.authorization = `Bearer ${this.key}`;
    try {
      return await fetch(path, { ...options, headers });
    } catch {
      throw new Refusal(0, "The server does not answer. It may be stopping; try again in a moment.");
    }
  }
}
