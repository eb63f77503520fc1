//! `rmcp`, the official Rust SDK, as a client that remembers what the server sent on its own.

use std::time::Duration;

use mcp_plumb_reference_server::{AnswerStyle, Config, RunningServer, start};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig,
    CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ElicitationAction, ErrorCode, ErrorData, Implementation, ListRootsResult,
    LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion,
    ResourceUpdatedNotificationParam, Root, SamplingMessage,
};
use rmcp::service::{
    ClientInitializeError, NotificationContext, QuitReason, RequestContext, RunningService,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{
    ClientHandler, ClientLifecycleMode, RoleClient, ServiceError, serve_client_with_lifecycle,
};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// What both sides speak and agree on by `initialize`, from the oldest to the newest.
pub(crate) const SESSIONS: &[ProtocolVersion] = &[
    ProtocolVersion::V_2024_11_05,
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
];

/// Everything that both sides speak, from the oldest to the newest.
pub(crate) const REVISIONS: &[ProtocolVersion] = &[
    ProtocolVersion::V_2024_11_05,
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];

/// No wait in these tests is longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for what a conforming server gives soon.
pub(crate) async fn soon<F: IntoFuture>(what: F) -> F::Output {
    tokio::time::timeout(DEADLINE, what)
        .await
        .expect("an answer in time")
}

/// A notification as the SDK handed it over.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Log { logger: Option<String>, data: Value },
    Progress { progress: f64, total: Option<f64> },
    Updated { uri: String },
    ToolsChanged,
    PromptsChanged,
    ResourcesChanged,
}

/// The client's half: what it declares, and a channel for what it is told.
#[derive(Debug)]
pub(crate) struct Handler {
    config: ClientConfig,
    seen: mpsc::UnboundedSender<Seen>,
}

impl Handler {
    fn note(&self, seen: Seen) {
        // Nobody listens any more once the test is over.
        drop(self.seen.send(seen));
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        self.config.clone()
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams {
            requested_schema, ..
        } = params
        else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        let required = requested_schema.required.unwrap_or_default();
        let content: Map<String, Value> = required
            .into_iter()
            .map(|name| (name, json!("Ada")))
            .collect();
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(content)))
    }

    async fn create_message(
        &self,
        _: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let said = SamplingMessage::assistant_text("forty-two");
        Ok(CreateMessageResult::new(said, "none".to_owned()))
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Ok(ListRootsResult::new(vec![Root::new("file:///srv")]))
    }

    async fn on_logging_message(
        &self,
        params: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.note(Seen::Log {
            logger: params.logger,
            data: params.data,
        });
    }

    async fn on_progress(
        &self,
        params: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.note(Seen::Progress {
            progress: params.progress,
            total: params.total,
        });
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.note(Seen::Updated { uri: params.uri });
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.note(Seen::ToolsChanged);
    }

    async fn on_prompt_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.note(Seen::PromptsChanged);
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.note(Seen::ResourcesChanged);
    }
}

/// A connected client.
pub(crate) struct Client {
    pub(crate) service: RunningService<RoleClient, Handler>,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Client {
    /// Connects as that revision has it: by `initialize` or, since 2026-07-28, by `server/discover`.
    pub(crate) async fn connect(server: &RunningServer, revision: &ProtocolVersion) -> Self {
        let lifecycle = if revision.has_initialize() {
            ClientLifecycleMode::Initialize
        } else {
            ClientLifecycleMode::Discover {
                preferred_versions: vec![revision.clone()],
            }
        };
        Self::begin(server, revision, lifecycle).await
    }

    /// Connects in that way; where `initialize` is sent, it asks for the revision.
    pub(crate) async fn begin(
        server: &RunningServer,
        revision: &ProtocolVersion,
        lifecycle: ClientLifecycleMode,
    ) -> Self {
        let begun = Self::try_begin(server, revision, lifecycle, None).await;
        begun.expect("a connection")
    }

    /// The same with a bearer token, and with what goes wrong.
    pub(crate) async fn try_begin(
        server: &RunningServer,
        revision: &ProtocolVersion,
        lifecycle: ClientLifecycleMode,
        token: Option<&str>,
    ) -> Result<Self, ClientInitializeError> {
        let capabilities = json!({"roots": {}, "sampling": {}, "elicitation": {}});
        let (seen, receiver) = mpsc::unbounded_channel();
        let config = ClientConfig::new(
            serde_json::from_value::<ClientCapabilities>(capabilities).unwrap(),
            Implementation::new("sdk-tests", "1.0.0"),
        )
        .with_protocol_version(revision.clone());
        let handler = Handler { config, seen };
        let transport = transport(server, token);
        let service = soon(serve_client_with_lifecycle(handler, transport, lifecycle)).await?;
        Ok(Self {
            service,
            seen: receiver,
        })
    }

    /// What was agreed on.
    pub(crate) fn revision(&self) -> ProtocolVersion {
        let peer = self.service.peer_info().expect("a peer");
        peer.protocol_version.clone()
    }

    pub(crate) async fn call(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        self.try_call(tool, arguments).await.expect("a result")
    }

    pub(crate) async fn try_call(
        &self,
        tool: &'static str,
        arguments: Value,
    ) -> Result<CallToolResult, ServiceError> {
        soon(self.service.call_tool(request(tool, arguments))).await
    }

    /// The next notification that the server sent.
    pub(crate) async fn next(&mut self) -> Seen {
        soon(self.seen.recv()).await.expect("an open channel")
    }

    /// Ends the connection as the SDK does it, DELETE included.
    pub(crate) async fn close(self) {
        let reason = soon(self.service.cancel()).await.unwrap();
        assert!(matches!(reason, QuitReason::Cancelled), "{reason:?}");
    }
}

/// Runs a test at each of these revisions, with answers as JSON and as event streams.
pub(crate) async fn everywhere<F>(revisions: &[ProtocolVersion], test: F)
where
    F: AsyncFn(&RunningServer, &mut Client, &ProtocolVersion),
{
    for answer in [AnswerStyle::Json, AnswerStyle::Sse] {
        for revision in revisions {
            let config = Config {
                answer,
                client_timeout: DEADLINE,
                ..Config::default()
            };
            let server = start(config).await.unwrap();
            let mut client = Client::connect(&server, revision).await;
            test(&server, &mut client, revision).await;
            client.close().await;
            until(|| server.counters().sessions_open == 0).await;
            server.shutdown().await;
        }
    }
}

/// Streamable HTTP without a proxy, whatever the environment says.
fn transport(
    server: &RunningServer,
    token: Option<&str>,
) -> StreamableHttpClientTransport<reqwest::Client> {
    // No roots: nothing here is encrypted, and reading them takes longer than most of the tests.
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let http = http.build().unwrap();
    let url = server.streamable_url().expect("Streamable HTTP is served");
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    if let Some(token) = token {
        config = config.auth_header(token);
    }
    StreamableHttpClientTransport::with_client(http, config)
}

/// What a call of that tool asks for.
pub(crate) fn request(tool: &'static str, arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object")
    };
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

/// The text of a result that has one block.
pub(crate) fn text(result: &CallToolResult) -> &str {
    match result.content.as_slice() {
        [block] => &block.as_text().expect("a text").text,
        other => panic!("not one block: {other:?}"),
    }
}

/// The code of the error that the server answered.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, ServiceError>) -> ErrorCode {
    match outcome {
        Err(ServiceError::McpError(error)) => error.code,
        other => panic!("not an error of the server: {other:?}"),
    }
}

/// Polls what the server counts until it is so; the SDK opens and closes streams behind its caller's back.
pub(crate) async fn until(fits: impl Fn() -> bool) {
    let mut pause = tokio::time::interval(Duration::from_millis(2));
    soon(async {
        while !fits() {
            pause.tick().await;
        }
    })
    .await;
}
