// A tour of the reference server with a client of the official TypeScript SDK.
//
//     client.mjs GENERATION TRANSPORT URL...
//
// GENERATION is `1` (@modelcontextprotocol/sdk) or `2` (@modelcontextprotocol/client), TRANSPORT `streamable-http`, `sse`
// or `stateless`. For each URL one line of JSON tells what the SDK saw; it judges nothing. Exit status 3: the SDK is
// not there. NODE_PATH is honoured, which `import` alone would not do.

import { createRequire } from 'node:module';

const [generation, transport, ...urls] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

function load() {
    if (generation === '2') {
        const sdk = require('@modelcontextprotocol/client');
        return { ...sdk, named: method => method };
    }
    const part = name => require(`@modelcontextprotocol/sdk/${name}.js`);
    const types = part('types');
    const schemas = {
        'elicitation/create': types.ElicitRequestSchema,
        'sampling/createMessage': types.CreateMessageRequestSchema,
        'roots/list': types.ListRootsRequestSchema,
    };
    return {
        ...part('client/index'),
        ...part('client/streamableHttp'),
        ...part('client/sse'),
        named: method => schemas[method],
    };
}

function sdkOrExit() {
    try {
        return load();
    } catch (error) {
        if (error.code !== 'MODULE_NOT_FOUND') throw error;
        console.error(error.message.split('\n')[0]);
        process.exit(3);
    }
}

const sdk = sdkOrExit();

/** Notifications in the order in which they came, and a way to wait for one. */
class Inbox {
    messages = [];
    #waiting = [];

    add(message) {
        this.messages.push(message);
        this.#waiting = this.#waiting.filter(({ fits, resolve }) => !(fits(message) && (resolve(message), true)));
    }

    until(fits) {
        const found = this.messages.find(fits);
        if (found) return Promise.resolve(found);
        return new Promise(resolve => this.#waiting.push({ fits, resolve }));
    }

    payloads() {
        return this.messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params.data.payload);
    }
}

function newClient() {
    const options = { capabilities: { roots: {}, sampling: {}, elicitation: {} } };
    if (transport === 'stateless') options.versionNegotiation = { mode: { pin: '2026-07-28' } };
    const client = new sdk.Client({ name: 'sdk-tests', version: '1.0.0' }, options);
    client.setRequestHandler(sdk.named('elicitation/create'), async ({ params }) => {
        const content = Object.fromEntries(params.requestedSchema.required.map(name => [name, 'Ada']));
        return { action: 'accept', content };
    });
    client.setRequestHandler(sdk.named('sampling/createMessage'), async () => ({
        model: 'none', role: 'assistant', content: { type: 'text', text: 'forty-two' },
    }));
    client.setRequestHandler(sdk.named('roots/list'), async () => ({ roots: [{ uri: 'file:///srv', name: 'srv' }] }));
    const inbox = new Inbox();
    client.fallbackNotificationHandler = async message => inbox.add(message);
    return { client, inbox };
}

function newTransport(url) {
    const wire = transport === 'sse' ? new sdk.SSEClientTransport(new URL(url)) : new sdk.StreamableHTTPClientTransport(new URL(url));
    // The first generation tells nobody else which revision was agreed on.
    const settle = wire.setProtocolVersion.bind(wire);
    wire.setProtocolVersion = revision => settle(wire.agreed = revision);
    return wire;
}

/**
 * Collects the progress of one call. Over `sse` the SDK forgets who wants it before it tells them, if the response comes in the
 * same packet: there it is taken from below.
 */
function progressOf(wire) {
    const seen = [];
    const note = ({ progress, total }) => seen.push([progress, total]);
    if (transport !== 'sse') return { seen, options: { onprogress: note } };
    const deliver = wire.onmessage;
    wire.onmessage = (message, extra) => {
        if (message.method === 'notifications/progress') note(message.params);
        deliver(message, extra);
    };
    return { seen, options: { onprogress: () => {} } };
}

/** All items; the second generation turns the pages itself. */
async function all(list, member) {
    const items = [];
    let cursor;
    do {
        const page = await list(cursor === undefined ? undefined : { cursor });
        items.push(...page[member]);
        cursor = page.nextCursor;
    } while (cursor !== undefined);
    return items;
}

async function code(promise) {
    try {
        await promise;
        return null;
    } catch (error) {
        return error.code ?? String(error);
    }
}

const call = (client, name, args = {}, options = undefined) =>
    generation === '1' ? client.callTool({ name, arguments: args }, undefined, options) : client.callTool({ name, arguments: args }, options);

async function publish(client, payload) {
    const { isError, content } = await call(client, 'publish', { payload });
    if (isError) throw new Error(content[0].text);
}

async function common(client) {
    const report = {};
    report.tools = (await all(params => client.listTools(params), 'tools')).map(tool => tool.name);
    report.resources = (await all(params => client.listResources(params), 'resources')).map(resource => resource.uri);
    report.templates = (await all(params => client.listResourceTemplates(params), 'resourceTemplates')).map(({ uriTemplate }) => uriTemplate);
    report.prompts = (await all(params => client.listPrompts(params), 'prompts')).map(prompt => prompt.name);
    report.echo = (await call(client, 'echo', { message: 'häßlich \u{1f980}\n' })).content[0].text;
    const sum = await call(client, 'add', { a: 2, b: 40 });
    report.sum = sum.structuredContent ?? JSON.parse(sum.content[0].text);
    report.failed = (await call(client, 'fail')).isError;
    const { seen, options } = progressOf(client.transport);
    report.steps = (await call(client, 'progress', { steps: 3 }, options)).content[0].text;
    report.progress = seen;
    report.read = (await client.readResource({ uri: 'plumb://readme' })).contents[0].text;
    report.item = (await client.readResource({ uri: 'plumb://items/7' })).contents[0].text;
    report.prompt = (await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } })).messages[0].content.text;
    const argument = { name: 'name', value: 'A' };
    report.completed = (await client.complete({ ref: { type: 'ref/prompt', name: 'greet' }, argument })).completion.values;
    report.asked = [];
    for (const [tool, args] of [['ask_user', {}], ['ask_model', { prompt: 'Well?' }], ['ask_roots', {}]]) {
        report.asked.push((await call(client, tool, args)).content[0].text);
    }
    report.unknown_tool = await code(call(client, 'no such tool'));
    report.unknown_resource = await code(client.readResource({ uri: 'plumb://nothing' }));
    return report;
}

async function sessions(client, inbox) {
    await client.ping();
    // The SDK opens the stream in the background: what is published until then is missed.
    while (!inbox.payloads().includes('ready')) {
        await publish(client, 'ready');
        await pause(10);
    }
    await client.setLoggingLevel('warning');
    await publish(client, 'unwanted');
    await client.setLoggingLevel('debug');
    await publish(client, 'wanted');
    await inbox.until(({ params }) => params?.data?.payload === 'wanted');
    const published = inbox.payloads().filter(payload => payload !== 'ready');
    await client.subscribeResource({ uri: 'plumb://board' });
    await publish(client, 'news');
    const updated = await inbox.until(({ method }) => method === 'notifications/resources/updated');
    await client.unsubscribeResource({ uri: 'plumb://board' });
    await call(client, 'announce', { kind: 'prompts' });
    await inbox.until(({ method }) => method === 'notifications/prompts/list_changed');
    return { published, updated: updated.params.uri, announced: true };
}

async function stateless(client, inbox) {
    const asked = { toolsListChanged: true, resourceSubscriptions: ['plumb://board'] };
    const subscription = await client.listen(asked);
    await publish(client, 'news');
    const updated = await inbox.until(({ method }) => method === 'notifications/resources/updated');
    await call(client, 'announce', { kind: 'tools' });
    await inbox.until(({ method }) => method === 'notifications/tools/list_changed');
    await subscription.close();
    return { announced: true, honoured: subscription.honoredFilter, updated: updated.params.uri, ended: await subscription.closed };
}

async function tour(url) {
    const { client, inbox } = newClient();
    const wire = newTransport(url);
    await client.connect(wire);
    const report = await common(client);
    report.server = client.getServerVersion()?.name;
    report.revision = client.getNegotiatedProtocolVersion?.() ?? wire.agreed;
    Object.assign(report, await (transport === 'stateless' ? stateless : sessions)(client, inbox));
    if (transport === 'streamable-http') await wire.terminateSession();
    await client.close();
    return report;
}

for (const url of urls) console.log(JSON.stringify(await tour(url)));
