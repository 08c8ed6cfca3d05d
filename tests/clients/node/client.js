// A client in JavaScript: fetch for REST, @grpc/grpc-js for gRPC.
//
//   node client.js REST_URL GRPC_TARGET MODEL DESCRIPTORS TEXT...
//
// DESCRIPTORS is a FileDescriptorSet of TensorFlow Serving's services and gRPC's health service. The API key is
// in GREENLIGHT_API_KEY. Writes one JSON object with what the server answered.

import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";

const [restUrl, target, model, descriptors, ...texts] = process.argv.slice(2);
const key = process.env.GREENLIGHT_API_KEY;
const deadline = () => Date.now() + 60_000;

async function rest(path, { body, authorized = true } = {}) {
  const response = await fetch(`${restUrl}/v1/models/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { ...(authorized && { authorization: `Bearer ${key}` }), "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function overRest() {
  const predicted = await rest(`${model}:predict`, { body: { instances: texts } });
  const status = await rest(model);
  return {
    probabilities: predicted.body.predictions.map((each) => each.probability),
    labels: predicted.body.predictions.map((each) => each.label),
    version: Number(status.body.model_version_status[0].version),
    state: status.body.model_version_status[0].state,
    unknown_model: (await rest("unknown:predict", { body: { instances: texts } })).status,
    wrong_type: (await rest(`${model}:predict`, { body: { instances: [1] } })).status,
    without_key: (await rest(model, { authorized: false })).status,
  };
}

// The client of a service, and a function that makes one of its calls.
function caller(Service) {
  const client = new Service(target, grpc.credentials.createInsecure());
  const call = (method, request, { authorized = true } = {}) =>
    new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata();
      if (authorized) metadata.set("authorization", `Bearer ${key}`);
      client[method](request, metadata, { deadline: deadline() }, (error, answer) =>
        error ? reject(error) : resolve(answer),
      );
    });
  return { client, call };
}

async function code(call) {
  try {
    await call;
    return "OK";
  } catch (error) {
    return grpc.status[error.code];
  }
}

// Maps are lists of their entries where protobufjs knows the messages from descriptors only.
function request(name, tensor) {
  return { model_spec: { name }, inputs: [{ key: "text", value: tensor }] };
}

function strings(values) {
  return {
    dtype: "DT_STRING",
    tensor_shape: { dim: [{ size: values.length }] },
    string_val: values.map((value) => Buffer.from(value, "utf8")),
  };
}

async function overGrpc() {
  const definition = loadFileDescriptorSetFromBuffer(readFileSync(descriptors), {
    keepCase: true,
    longs: Number,
    enums: String,
  });
  const services = grpc.loadPackageDefinition(definition);
  const prediction = caller(services.tensorflow.serving.PredictionService);
  const models = caller(services.tensorflow.serving.ModelService);
  const health = caller(services.grpc.health.v1.Health);
  try {
    const answer = await prediction.call("Predict", request(model, strings(texts)));
    const outputs = Object.fromEntries(answer.outputs.map(({ key, value }) => [key, value]));
    const status = await models.call("GetModelStatus", { model_spec: { name: model } });
    const numbers = { dtype: "DT_FLOAT", tensor_shape: { dim: [{ size: 1 }] }, float_val: [1] };
    return {
      probabilities: [...outputs.probability.float_val],
      labels: outputs.label.string_val.map((value) => value.toString("utf8")),
      version: answer.model_spec.version.value,
      state: status.model_version_status[0].state,
      unknown_model: await code(prediction.call("Predict", request("unknown", strings(texts)))),
      wrong_type: await code(prediction.call("Predict", request(model, numbers))),
      without_key: await code(prediction.call("Predict", request(model, strings(texts)), { authorized: false })),
      health: (await health.call("Check", { service: "" }, { authorized: false })).status,
    };
  } finally {
    for (const { client } of [prediction, models, health]) client.close();
  }
}

console.log(JSON.stringify({ rest: await overRest(), grpc: await overGrpc() }));
