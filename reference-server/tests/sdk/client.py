"""A tour of the reference server with a client of the official Python SDK.

    client.py TRANSPORT URL...

TRANSPORT is `streamable-http`, `sse` or `stateless`. For each URL one line of JSON tells what the SDK saw; it judges
nothing. Both generations of `mcp` will do, though `stateless` wants the second. Exit status 3: the SDK is not there.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager

try:
    import mcp
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

SECOND = hasattr(mcp, "Client")
if SECOND:
    import mcp_types as types
    from mcp import MCPError as ProtocolError
else:
    import mcp.types as types
    from mcp import McpError as ProtocolError


def plain(model):
    """A model as it stands on the wire, whatever its generation calls the fields."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


class Inbox:
    """Notifications in the order in which they came."""

    def __init__(self):
        self.messages = []
        self.changed = asyncio.Event()

    async def add(self, message):
        if isinstance(message, types.ServerNotification if not SECOND else types.Notification):
            self.messages.append(plain(message))
            self.changed.set()

    def named(self, method):
        return [message for message in self.messages if message["method"] == method]

    def payloads(self):
        return [message["params"]["data"]["payload"] for message in self.named("notifications/message")]

    async def until(self, happened):
        while not happened():
            self.changed.clear()
            await self.changed.wait()


async def elicit(context, params):
    required = plain(params)["requestedSchema"]["required"]
    return types.ElicitResult(action="accept", content={name: "Ada" for name in required})


async def sample(context, params):
    said = types.TextContent(type="text", text="forty-two")
    return types.CreateMessageResult(model="none", role="assistant", content=said)


async def roots(context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///srv", name="srv")])


class First:
    """The first generation's session with the names of the second's client."""

    def __init__(self, session, initialized):
        self.session = session
        self.protocol_version = initialized.protocolVersion
        self.server_info = initialized.serverInfo

    def __getattr__(self, name):
        listing = getattr(self.session, name)
        if not name.startswith("list_"):
            return listing
        return lambda cursor=None: listing(params=types.PaginatedRequestParams(cursor=cursor))


@asynccontextmanager
async def connect(transport, url, inbox):
    answers = {
        "elicitation_callback": elicit,
        "sampling_callback": sample,
        "list_roots_callback": roots,
        "message_handler": inbox.add,
    }
    wire = sse_client(url, timeout=60) if transport == "sse" else streamable_http_client(url)
    async with AsyncExitStack() as stack:
        if SECOND:
            mode = "auto" if transport == "stateless" else "legacy"
            yield await stack.enter_async_context(mcp.Client(wire, mode=mode, **answers))
        else:
            read, write, *_ = await stack.enter_async_context(wire)
            session = await stack.enter_async_context(mcp.ClientSession(read, write, **answers))
            yield First(session, await session.initialize())


async def every(listing, member):
    """The items of all pages."""
    items, cursor = [], None
    while True:
        page = plain(await listing(cursor=cursor))
        items += page[member]
        cursor = page.get("nextCursor")
        if cursor is None:
            return items


async def code(call):
    try:
        await call
    except ProtocolError as error:
        return error.error.code
    return None


async def common(client):
    async def call(name, arguments=None, **options):
        return plain(await client.call_tool(name, arguments or {}, **options))

    report = {
        "tools": [tool["name"] for tool in await every(client.list_tools, "tools")],
        "resources": [found["uri"] for found in await every(client.list_resources, "resources")],
        "templates": [
            found["uriTemplate"] for found in await every(client.list_resource_templates, "resourceTemplates")
        ],
        "prompts": [prompt["name"] for prompt in await every(client.list_prompts, "prompts")],
        "echo": (await call("echo", {"message": "häßlich \U0001f980\n"}))["content"][0]["text"],
    }
    total = await call("add", {"a": 2, "b": 40})
    report["sum"] = total.get("structuredContent") or json.loads(total["content"][0]["text"])
    report["failed"] = (await call("fail"))["isError"]

    steps = []

    async def progressed(progress, total, message):
        steps.append([int(progress), int(total)])

    report["steps"] = (await call("progress", {"steps": 3}, progress_callback=progressed))["content"][0]["text"]
    report["progress"] = steps

    async def read(uri):
        return plain(await client.read_resource(uri))["contents"][0]["text"]

    report["read"] = await read("plumb://readme")
    report["item"] = await read("plumb://items/7")
    prompt = plain(await client.get_prompt("greet", {"name": "Ada"}))
    report["prompt"] = prompt["messages"][0]["content"]["text"]
    typed = {"name": "name", "value": "A"}
    completed = plain(await client.complete(types.PromptReference(type="ref/prompt", name="greet"), typed))
    report["completed"] = completed["completion"]["values"]
    questions = {"ask_user": {}, "ask_model": {"prompt": "Well?"}, "ask_roots": {}}
    report["asked"] = [(await call(tool, given))["content"][0]["text"] for tool, given in questions.items()]
    report["unknown_tool"] = await code(client.call_tool("no such tool", {}))
    report["unknown_resource"] = await code(client.read_resource("plumb://nothing"))
    return report


async def publish(client, payload):
    outcome = plain(await client.call_tool("publish", {"payload": payload}))
    if outcome.get("isError"):
        raise RuntimeError(outcome["content"][0]["text"])


async def sessions(client, inbox):
    await client.send_ping()

    # The SDK opens the stream in the background: what is published until then is missed.
    while "ready" not in inbox.payloads():
        await publish(client, "ready")
        await asyncio.sleep(0.01)
    await client.set_logging_level("warning")
    await publish(client, "unwanted")
    await client.set_logging_level("debug")
    await publish(client, "wanted")
    await inbox.until(lambda: "wanted" in inbox.payloads())
    published = [payload for payload in inbox.payloads() if payload != "ready"]
    await client.subscribe_resource("plumb://board")
    await publish(client, "news")
    await inbox.until(lambda: inbox.named("notifications/resources/updated"))
    await client.unsubscribe_resource("plumb://board")
    await client.call_tool("announce", {"kind": "prompts"})
    await inbox.until(lambda: inbox.named("notifications/prompts/list_changed"))
    updated = inbox.named("notifications/resources/updated")[0]["params"]["uri"]
    return {"published": published, "updated": updated, "announced": True}


async def stateless(client, inbox):
    asked = {"tools_list_changed": True, "resource_subscriptions": ["plumb://board"]}
    async with client.listen(**asked) as subscription:
        await publish(client, "news")
        updated = await anext(subscription)
        await client.call_tool("announce", {"kind": "tools"})
        changed = await anext(subscription)
    announced = type(changed).__name__ == "ToolsListChanged"
    return {"announced": announced, "honoured": plain(subscription.honored), "updated": updated.uri, "ended": "local"}


async def tour(transport, url):
    inbox = Inbox()
    async with connect(transport, url, inbox) as client:
        report = await common(client)
        report["server"] = client.server_info.name if client.server_info else None
        report["revision"] = client.protocol_version
        report |= await (stateless if transport == "stateless" else sessions)(client, inbox)
    return report


async def main(transport, *urls):
    if transport == "stateless" and not SECOND:
        print("the first generation of mcp has no stateless client", file=sys.stderr)
        sys.exit(3)
    for url in urls:
        print(json.dumps(await tour(transport, url)), flush=True)


asyncio.run(main(*sys.argv[1:]))
