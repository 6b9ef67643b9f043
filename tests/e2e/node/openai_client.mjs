// Talks to the API with the npm package `openai` as it is; says on stdout what it got, as JSON.
// Arguments: the base URL, and the address of a picture.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../../.node/", import.meta.url));
const { OpenAI } = require("openai");

const [baseURL, picture] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any" });
const messages = [
  {
    role: "user",
    content: [
      { type: "image_url", image_url: { url: picture } },
      { type: "text", text: "What shape is it?" },
    ],
  },
];

const whole = await client.chat.completions.create({ model: "demo", messages });

let streamed = "";
let usage = null;
const stream = await client.chat.completions.create({
  model: "demo",
  messages,
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}

let refusal = null;
try {
  await client.chat.completions.create({ model: "no-such-model", messages });
} catch (error) {
  refusal = { status: error.status, code: error.code, kind: error.constructor.name };
}

const models = [];
for await (const model of client.models.list()) models.push(model.id);

console.log(
  JSON.stringify({ whole: whole.choices[0].message.content, streamed, usage, refusal, models }),
);
