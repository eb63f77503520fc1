//! Carries out the verbs of one scenario: its sessions, its streams, and what it has captured.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;

use super::brought::{Brought, Messages};
use super::traffic::Traffic;
use crate::protocol::dialect::ReplyChannel;
use crate::protocol::{HttpRequest, jsonrpc};
use crate::scenario::Verb;
use crate::scenario::template::{self, Variables};
use crate::scenario::verbs::{
    Await, Connect, Endpoint, Http, INPUT_VARIABLES, Listen, Notify, Quiet, Request,
};
use crate::transport::channel::Channel;
use crate::transport::{Arrival, EventStream, Exchange, Link, Session, Special};

/// Why a step could not be carried out; what follows in the scenario is not judged.
pub(super) type Blocked = String;

/// A stream of the scenario.
struct OpenStream {
    opening: Exchange,
    /// The session that it belongs to.
    session: String,
    /// Whether it is the stream that the session would open by itself.
    is_ordinary: bool,
    /// `None` if the target opened none, or after `close`.
    stream: Option<EventStream>,
    /// The position from which the next `await` looks.
    cursor: usize,
}

/// What a scenario holds while it runs.
pub(super) struct Steps<'a> {
    link: &'a Arc<Link>,
    traffic: &'a Traffic,
    sessions: BTreeMap<String, Session>,
    streams: BTreeMap<String, OpenStream>,
    /// Where messages of a session were posted before its stream was closed, in the dialects that have them told by it.
    former_posts: BTreeMap<String, Url>,
    /// What `${…}` stands for.
    pub(super) variables: Variables,
}

impl<'a> Steps<'a> {
    pub(super) fn new(link: &'a Arc<Link>, traffic: &'a Traffic, variables: Variables) -> Self {
        Self {
            link,
            traffic,
            sessions: BTreeMap::new(),
            streams: BTreeMap::new(),
            former_posts: BTreeMap::new(),
            variables,
        }
    }

    /// Carries out a verb. `Ok(None)` where there is nothing to judge.
    pub(super) async fn perform(&mut self, verb: &Verb) -> Result<Option<Brought>, Blocked> {
        match verb {
            Verb::Connect(connect) => self.connect(connect).await.map(exchange),
            Verb::Request(request) => self.request(request).await.map(exchange),
            Verb::Notify(notify) => self.notify(notify).await.map(exchange),
            Verb::Http(http) => self.http(http).await.map(exchange),
            Verb::Listen(listen) => self.listen(listen).await.map(exchange),
            Verb::Await(wait) => self.wait(wait).await.map(messages),
            Verb::Quiet(quiet) => self.quiet(quiet).await.map(messages),
            Verb::Close(close) => {
                self.finish_stream(close.stream.as_str()).await;
                Ok(None)
            }
            Verb::End(end) => Ok(self.end(end.session.as_str()).await.and_then(exchange)),
        }
    }

    /// A session by name; one that is new begins without a handshake.
    fn session(&mut self, name: &str) -> &Session {
        self.sessions
            .entry(name.to_owned())
            .or_insert_with(|| Session::new(Arc::clone(self.link)))
    }

    fn saw(&self, exchange: Exchange) -> Exchange {
        self.traffic.exchange(&exchange);
        exchange
    }

    async fn connect(&mut self, connect: &Connect) -> Result<Exchange, Blocked> {
        let session = self.session(connect.name.as_str());
        session.declare(connect.capabilities.clone().unwrap_or_default());
        match session.connect().await {
            Ok(connected) => {
                if let Some(initialized) = &connected.initialized {
                    self.traffic.exchange(initialized);
                }
                Ok(self.saw(connected.opening))
            }
            Err(error) => {
                self.traffic.exchange(&error.exchange);
                Err(format!("no session could be opened: {error}"))
            }
        }
    }

    async fn request(&mut self, request: &Request) -> Result<Exchange, Blocked> {
        let method = template::render_text(&request.method, &self.variables)
            .map_err(|unset| unset.to_string())?;
        let params = self.rendered(request.params.as_ref())?;
        let headers = self.rendered_headers(&request.headers)?;
        let id = request.id.clone();
        let session = self.session(request.session.as_str());
        if let Some(capabilities) = &request.capabilities {
            session.declare(capabilities.clone());
        }
        if request.answer_input {
            let mut rounds = session.request_through(&method, params).await;
            for round in &rounds {
                self.traffic.exchange(round);
            }
            let last = rounds.pop().ok_or("nothing was sent")?;
            self.variables.extend(given_input(&last));
            return Ok(last);
        }
        if headers.is_empty() {
            let special = Special { id, timeout: None };
            let exchange = session.request(&method, params, special).await;
            return Ok(self.saw(exchange));
        }
        if let Err(unopened) = session.ready().await {
            return Ok(*unopened);
        }
        let id = id.unwrap_or_else(|| session.next_id());
        let message = jsonrpc::request(&id, &method, params.as_ref());
        let posted = with_headers(session.post(&session.dressed(message)), headers);
        let exchange = session.send_raw(posted, Some(id)).await;
        if method == "initialize" {
            // So that the session is ended even where the target should not have opened it.
            session.learn(&exchange);
        }
        Ok(self.saw(exchange))
    }

    async fn notify(&mut self, notify: &Notify) -> Result<Exchange, Blocked> {
        let params = self.rendered(notify.params.as_ref())?;
        let session = self.session(notify.session.as_str());
        let exchange = session.notify(&notify.method, params).await;
        Ok(self.saw(exchange))
    }

    async fn http(&mut self, http: &Http) -> Result<Exchange, Blocked> {
        let json = self.rendered(http.json.as_ref())?;
        let headers = self.rendered_headers(&http.headers)?;
        let former_post = self.former_posts.get(http.session.as_str()).cloned();
        let session = self.session(http.session.as_str());
        if matches!(http.endpoint, Endpoint::Post | Endpoint::UnknownPost)
            && let Err(unopened) = session.ready().await
        {
            return Ok(*unopened);
        }
        let request = base_request(session, http, json.as_ref(), former_post)?;
        let request = with_headers(request, headers);
        // Only a well-formed request, posted as one, is owed a response.
        let is_posted = http.method == "POST"
            && http.endpoint == Endpoint::Post
            && !http
                .headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("content-type"));
        let id = json
            .as_ref()
            .filter(|_| is_posted)
            .and_then(|body| match body {
                Value::Array(batch) => batch.iter().rev().find_map(owed),
                message => owed(message),
            })
            .cloned();
        let exchange = session.send_raw(request, id).await;
        Ok(self.saw(exchange))
    }

    async fn listen(&mut self, listen: &Listen) -> Result<Exchange, Blocked> {
        let notifications = self.rendered(listen.notifications.as_ref())?;
        let headers = self.rendered_headers(&listen.headers)?;
        let session = self.session(listen.session.as_str());
        let is_ordinary = listen.query.is_none()
            && listen.id.is_none()
            && notifications.is_none()
            && headers.is_empty()
            && !listen.apart;
        let (opening, stream) = if is_ordinary {
            session.listen().await
        } else {
            let mut request = session.stream_request_for(listen.id.clone(), notifications);
            set_query(&mut request, listen.query.as_ref());
            session.listen_with(with_headers(request, headers)).await
        };
        self.traffic.exchange(&opening);
        let name = listen.name.to_string();
        self.finish_stream(&name).await;
        let open = OpenStream {
            opening: opening.clone(),
            session: listen.session.to_string(),
            is_ordinary,
            // One that replies come on was opened earlier, and what came before is not looked at.
            cursor: match self.link.dialect.reply_channel() {
                ReplyChannel::SessionStream if is_ordinary => {
                    stream.as_ref().map_or(0, EventStream::position)
                }
                ReplyChannel::SessionStream | ReplyChannel::Exchange => 0,
            },
            stream,
        };
        self.streams.insert(name, open);
        Ok(opening)
    }

    fn open_stream(&mut self, name: &str) -> Result<(&EventStream, &mut usize), Blocked> {
        let open = self
            .streams
            .get_mut(name)
            .ok_or_else(|| format!("the stream '{name}' was not opened"))?;
        match &open.stream {
            Some(stream) => Ok((stream, &mut open.cursor)),
            None => Err(format!(
                "the stream '{name}' is not open: {}",
                open.opening.describe()
            )),
        }
    }

    async fn wait(&mut self, wait: &Await) -> Result<Messages, Blocked> {
        let containing = self.rendered_text(wait.containing.as_deref())?;
        let wanted =
            |arrival: &Arrival| counts(arrival, wait.method.as_deref(), containing.as_deref());
        let (stream, cursor) = self.open_stream(wait.on.as_str())?;
        let patience = wait.within.get();
        if wait.end {
            let end = stream.wait_end(patience).await;
            return Ok(Messages {
                arrivals: Vec::new(),
                end,
            });
        }
        let deadline = Instant::now() + patience;
        let mut arrivals = Vec::new();
        while arrivals.len() < wait.count {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some((after, arrival)) = stream.next_where(*cursor, left, wanted).await else {
                break;
            };
            *cursor = after;
            arrivals.push(arrival);
        }
        Ok(Messages {
            arrivals,
            end: stream.end(),
        })
    }

    async fn quiet(&mut self, quiet: &Quiet) -> Result<Messages, Blocked> {
        let containing = self.rendered_text(quiet.containing.as_deref())?;
        let (stream, cursor) = self.open_stream(quiet.on.as_str())?;
        let from = if quiet.from_start { 0 } else { *cursor };
        // Silence can only be watched for a while.
        let end = stream.wait_end(quiet.span.get()).await;
        let all = stream.arrivals();
        *cursor = all.len();
        let arrivals = all
            .into_iter()
            .skip(from)
            .filter(|arrival| counts(arrival, quiet.method.as_deref(), containing.as_deref()))
            .collect();
        Ok(Messages { arrivals, end })
    }

    async fn end(&mut self, name: &str) -> Option<Exchange> {
        self.hang_up(name).await;
        let ended = self.sessions.get(name)?.end().await?;
        Some(self.saw(ended))
    }

    /// Closes a stream and has it judged. One that replies come on takes its session with it.
    async fn finish_stream(&mut self, name: &str) {
        let Some(open) = self.streams.get_mut(name) else {
            return;
        };
        let Some(stream) = open.stream.take() else {
            return;
        };
        let opening = open.opening.clone();
        if open.is_ordinary {
            let session = open.session.clone();
            self.close_channel(&session).await;
        }
        self.judge_stream(&opening, &stream);
    }

    /// Closes the stream that replies come on, if there is one, and has it judged.
    async fn hang_up(&mut self, session: &str) {
        if let Some(channel) = self.close_channel(session).await {
            self.judge_stream(&channel.opening, &channel.stream);
        }
    }

    /// Closes the stream that replies come on, if there is one, and notes where messages were posted until then.
    async fn close_channel(&mut self, name: &str) -> Option<Channel> {
        let session = self.sessions.get(name)?;
        let post_url = session.state().post_url;
        let channel = session.hang_up().await?;
        self.former_posts
            .extend(post_url.map(|url| (name.to_owned(), url)));
        Some(channel)
    }

    fn judge_stream(&self, opening: &Exchange, stream: &EventStream) {
        self.traffic.stream(
            opening,
            &stream.arrivals(),
            stream.end().as_ref(),
            stream.unterminated(),
        );
    }

    /// Closes what is open and ends what was begun.
    pub(super) async fn finish(mut self) {
        let names: Vec<String> = self.streams.keys().cloned().collect();
        for name in names {
            self.finish_stream(&name).await;
        }
        let names: Vec<String> = self.sessions.keys().cloned().collect();
        for name in names {
            self.hang_up(&name).await;
        }
        for session in self.sessions.values() {
            session.end().await;
        }
    }

    fn rendered(&self, value: Option<&Value>) -> Result<Option<Value>, Blocked> {
        value
            .map(|value| template::render(value, &self.variables))
            .transpose()
            .map_err(|unset| unset.to_string())
    }

    fn rendered_text(&self, text: Option<&str>) -> Result<Option<String>, Blocked> {
        text.map(|text| template::render_text(text, &self.variables))
            .transpose()
            .map_err(|unset| unset.to_string())
    }

    fn rendered_headers(
        &self,
        headers: &BTreeMap<String, Option<String>>,
    ) -> Result<HeaderChanges, Blocked> {
        headers
            .iter()
            .map(|(name, value)| {
                let name = template::render_text(name, &self.variables)
                    .map_err(|unset| unset.to_string())?;
                Ok((name, self.rendered_text(value.as_deref())?))
            })
            .collect()
    }
}

/// The variables that tell what input the last of several rounds gave; `null` where none was asked for.
fn given_input(last: &Exchange) -> Variables {
    let body = last.request.body.as_deref().unwrap_or_default();
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    INPUT_VARIABLES
        .map(|(name, pointer)| {
            let value = message.pointer(pointer).cloned();
            (name.to_owned(), value.unwrap_or_default())
        })
        .into()
}

type HeaderChanges = Vec<(String, Option<String>)>;

fn exchange(exchange: Exchange) -> Option<Brought> {
    Some(Brought::Exchange(Box::new(exchange)))
}

fn messages(messages: Messages) -> Option<Brought> {
    Some(Brought::Messages(messages))
}

/// Whether an event counts for an `await` or a `quiet`. Blocks without data never do.
fn counts(arrival: &Arrival, method: Option<&str>, containing: Option<&str>) -> bool {
    let Some(event) = arrival.block.event() else {
        return false;
    };
    let is_method = method.is_none_or(|method| {
        let message = arrival.message.as_ref();
        message
            .and_then(|message| message.get("method"))
            .and_then(Value::as_str)
            == Some(method)
    });
    is_method && containing.is_none_or(|text| event.data.contains(text))
}

fn with_headers(mut request: HttpRequest, changes: HeaderChanges) -> HttpRequest {
    for (name, value) in changes {
        match value {
            Some(value) => request.headers.set(&name, value),
            None => request.headers.remove(&name),
        }
    }
    request
}

fn set_query(request: &mut HttpRequest, query: Option<&BTreeMap<String, String>>) {
    let Some(query) = query else { return };
    request.url.set_query(None);
    if !query.is_empty() {
        request.url.query_pairs_mut().extend_pairs(query);
    }
}

/// The request as the dialect would send it.
fn base_request(
    session: &Session,
    http: &Http,
    json: Option<&Value>,
    former_post: Option<Url>,
) -> Result<HttpRequest, Blocked> {
    let link = session.link();
    let endpoints = link.dialect.endpoints();
    let url = match http.endpoint {
        Endpoint::Post => session.post(&Value::Null).url,
        Endpoint::FormerPost => former_post.ok_or("the session's stream was not closed")?,
        Endpoint::UnknownPost => unknown_session(session.post(&Value::Null).url)
            .ok_or("the URL for messages names no session in its query")?,
        Endpoint::Stream => endpoints.stream.clone(),
        Endpoint::Health => endpoints
            .health
            .clone()
            .ok_or("this transport has no health endpoint")?,
    };
    let mut request = match (http.method.as_str(), http.endpoint) {
        ("POST", Endpoint::Post) => session.post(json.unwrap_or(&Value::Null)),
        ("GET", Endpoint::Stream) => session.stream_request(),
        ("DELETE", Endpoint::Post) => session
            .end_request()
            .unwrap_or_else(|| HttpRequest::new("DELETE", url)),
        (method, _) => {
            let mut request = if json.is_some() || http.text.is_some() {
                session.post(json.unwrap_or(&Value::Null))
            } else {
                HttpRequest::new(method, url.clone())
            };
            method.clone_into(&mut request.method);
            request.url = url;
            request
        }
    };
    if let Some(text) = &http.text {
        request.body = Some(text.clone().into_bytes());
    }
    set_query(&mut request, http.query.as_ref());
    Ok(request)
}

/// The id of a message that is owed a response.
fn owed(message: &Value) -> Option<&Value> {
    message.get("method").filter(|method| method.is_string())?;
    message.get("id").filter(|id| id.is_string() || id.is_i64())
}

/// The URL with every letter and digit in the values of its query changed for the next of its kind, so that it names another
/// session and still looks like one. `None` if there is nothing to change.
fn unknown_session(mut url: Url) -> Option<Url> {
    let next = |character: char| match character {
        '0'..='8' | 'a'..='e' | 'A'..='E' => char::from_u32(u32::from(character) + 1),
        '9' => Some('0'),
        'f' => Some('a'),
        'F' => Some('A'),
        _ => None,
    };
    let changed: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let other = value.chars().map(|c| next(c).unwrap_or(c)).collect();
            (name.into_owned(), other)
        })
        .collect();
    let differs = url
        .query_pairs()
        .zip(&changed)
        .any(|((_, old), (_, new))| old != *new);
    url.query_pairs_mut().clear().extend_pairs(&changed);
    differs.then_some(url)
}

/// How long to wait between two tries of a step that is repeated.
pub(super) const RETRY_PAUSE: Duration = Duration::from_millis(50);
