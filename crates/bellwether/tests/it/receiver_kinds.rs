//! Every kind of receiver against a fake of its interface: where it is asked, with which keys, and what its answers
//! come to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bellwether::senders::Senders;
use bellwether_alerts::{Next, Outcome, Receipt};
use bellwether_model::TimeDelta;
use serde_json::{Value, json};

use crate::process::Folder;
use crate::told;

#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// Answers in turn, the last one for ever.
#[derive(Clone)]
struct Fake {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    async fn open(answers: &[(u16, Value)]) -> (Self, SocketAddr) {
        bellwether::install_tls();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let answers = answers.iter().map(|(status, body)| (*status, text(body))).collect();
        let fake = Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (fake, address)
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    fake.asked.lock().unwrap().push(Asked { method, uri: uri.to_string(), headers, body });
    let mut answers = fake.answers.lock().unwrap();
    let (status, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn send(integration: &str) -> Outcome {
    let setup = told::setup(integration);
    let alert = told::alert(&[("severity", "critical")], &[("summary", "logins are slow")]);
    let delivery = told::delivery(&setup, alert);
    Senders::new(setup).send(delivery).await
}

/// Settings of a kind, with `URL` where the fake's address belongs.
async fn ask(integration: &str, answers: &[(u16, Value)]) -> (Receipt, Vec<Asked>) {
    let (fake, address) = Fake::open(answers).await;
    let outcome = send(&integration.replace("URL", &format!("http://{address}"))).await;
    (outcome.receipt, fake.asked())
}

fn accepted(status: u16) -> Receipt {
    Receipt::Accepted { status }
}

fn refused(status: u16, body: &str, retry_after_s: Option<i64>) -> Receipt {
    Receipt::Refused { status, body: body.to_owned(), retry_after: retry_after_s.map(TimeDelta::from_secs) }
}

#[tokio::test]
async fn each_kind_is_asked_where_and_with_the_keys_its_interface_wants() {
    let check = async |integration: &str, answer: Value, uri: &str, header: (&str, &str), fields: Value| {
        let (receipt, asked) = ask(integration, &[(200, answer)]).await;
        assert_eq!(receipt, accepted(200), "{integration}");
        assert_eq!((asked[0].uri.as_str(), asked[0].header(header.0)), (uri, header.1), "{integration}");
        let body = asked[0].json();
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&body[name], value, "{name} of {integration}");
        }
    };
    let is_json = ("content-type", "application/json");
    check(
        "discord_configs: [{webhook_url: 'URL/hook'}]",
        json!(""),
        "/hook",
        is_json,
        json!({"content": ""}),
    )
    .await;
    check(
        "telegram_configs: [{api_url: 'URL/', bot_token: '1:SECRET', chat_id: 5}]",
        json!({"ok": true}),
        "/bot1:SECRET/sendMessage",
        is_json,
        json!({"chat_id": 5, "parse_mode": "HTML"}),
    )
    .await;
    check(
        "msteams_configs: [{webhook_url: 'URL/t'}]",
        json!("1"),
        "/t",
        is_json,
        json!({"type": "MessageCard"}),
    )
    .await;
    check(
        "msteamsv2_configs: [{webhook_url: 'URL/t'}]",
        json!(""),
        "/t",
        is_json,
        json!({"type": "message"}),
    )
    .await;
    check(
        "ntfy_configs: [{url: URL, topic: t0pic, token: tk}]",
        json!({"id": "1"}),
        "/",
        ("authorization", "Bearer tk"),
        json!({"topic": "t0pic", "priority": 5}),
    )
    .await;
    check(
        "victorops_configs: [{api_url: 'URL/alert/', api_key: 'a/b', routing_key: 'team x'}]",
        json!({"result": "success"}),
        "/alert/a%2Fb/team%20x",
        is_json,
        json!({"message_type": "CRITICAL"}),
    )
    .await;
    check(
        "webex_configs: [{api_url: 'URL/v1/messages', room_id: r, http_config: {authorization: {credentials: tk}}}]",
        json!({"id": "1"}),
        "/v1/messages",
        ("authorization", "Bearer tk"),
        json!({"roomId": "r"}),
    )
    .await;
    check(
        "mattermost_configs: [{webhook_url: 'URL/m'}]",
        json!("ok"),
        "/m",
        is_json,
        json!({"username": "Bellwether"}),
    )
    .await;
    check(
        "rocketchat_configs: [{api_url: URL, token: tk, token_id: me, channel: '#x'}]",
        json!({"success": true}),
        "/api/v1/chat.postMessage",
        ("x-auth-token", "tk"),
        json!({"channel": "#x"}),
    )
    .await;
    check(
        "incidentio_configs: [{url: 'URL/i', alert_source_token: tk}]",
        json!({"status": "success"}),
        "/i",
        ("authorization", "Bearer tk"),
        json!({"version": "1"}),
    )
    .await;
}

#[tokio::test]
async fn what_each_kind_answers_decides_what_follows() {
    let check = async |integration: &str, answer: (u16, Value), want: Receipt| {
        let (receipt, _) = ask(integration, &[answer]).await;
        assert_eq!(receipt, want, "{integration}");
    };
    let telegram = "telegram_configs: [{api_url: URL, bot_token: '12345:SECRET-SECRET', chat_id: 5}]";
    let limited = json!({"ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 31}});
    check(telegram, (429, limited.clone()), refused(429, "Too Many Requests", Some(31))).await;
    let in_200 = refused(429, "Too Many Requests (its status was 200)", Some(31));
    check(telegram, (200, limited), in_200).await;
    let unknown = json!({"ok": false, "error_code": 400, "description": "Bad Request: chat of 12345:SECRET-SECRET not found"});
    check(telegram, (400, unknown), refused(400, "Bad Request: chat of <secret> not found", None)).await;
    check(telegram, (200, json!("<html>")), refused(502, "<html> (its status was 200)", None)).await;
    let discord = "discord_configs: [{webhook_url: 'URL/hook'}]";
    check(discord, (204, json!("")), accepted(204)).await;
    let limited = json!({"message": "You are being rate limited.", "retry_after": 64.57, "global": false});
    let want = Receipt::Refused {
        status: 429,
        body: "You are being rate limited.".to_owned(),
        retry_after: Some(TimeDelta(64_570)),
    };
    check(discord, (429, limited), want).await;
    check(
        discord,
        (404, json!({"message": "Unknown Webhook"})),
        refused(404, "{\"message\":\"Unknown Webhook\"}", None),
    )
    .await;
    let teams = "msteams_configs: [{webhook_url: 'URL/t'}]";
    let text = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId x";
    check(teams, (200, json!(text)), refused(429, &format!("{text} (its status was 200)"), None)).await;
    check(teams, (413, json!("too large")), refused(413, "too large", None)).await;
    let rocket = "rocketchat_configs: [{api_url: URL, token: tk, token_id: me}]";
    check(
        rocket,
        (200, json!({"success": false, "error": "no channel"})),
        refused(400, "no channel (its status was 200)", None),
    )
    .await;
    let often = json!({"success": false, "error": "[error-too-many-requests]"});
    check(rocket, (200, often), refused(429, "[error-too-many-requests] (its status was 200)", None)).await;
    check(
        "ntfy_configs: [{url: URL, topic: SECRET}]",
        (507, json!("SECRET is full")),
        refused(507, "<secret> is full", None),
    )
    .await;
    let incident = "incidentio_configs: [{url: 'URL/i', alert_source_token: tk}]";
    check(incident, (422, json!({"message": "no"})), refused(422, "no", None)).await;
}

#[tokio::test]
async fn the_number_of_a_chat_may_stand_in_a_file() {
    let folder = Folder::new("telegram-chat");
    let file = folder.write("chat", "-100\n");
    let integration =
        format!("telegram_configs: [{{api_url: URL, bot_token: t, chat_id_file: '{}'}}]", file.display());
    let (receipt, asked) = ask(&integration, &[(200, json!({"ok": true}))]).await;
    assert_eq!((receipt, &asked[0].json()["chat_id"]), (accepted(200), &json!(-100)));
    std::fs::write(&file, "here").unwrap();
    let (receipt, asked) = ask(&integration, &[(200, json!({"ok": true}))]).await;
    let Receipt::Unsendable { reason } = &receipt else { panic!("{receipt:?}") };
    assert!(reason.ends_with("holds no number of a chat") && asked.is_empty(), "{reason}");
}

#[tokio::test]
async fn pushover_is_told_who_speaks_and_who_hears_in_the_form() {
    let (receipt, asked) = ask(
        "pushover_configs: [{api_url: 'URL/1', user_key: us, token: to}]",
        &[(200, json!({"status": 1}))],
    )
    .await;
    assert_eq!(receipt, accepted(200));
    assert_eq!(asked[0].header("content-type"), "application/x-www-form-urlencoded");
    assert!(
        asked[0].body.starts_with("token=to&user=us&title=%5BFIRING%3A1%5D+HighLatency"),
        "{}",
        asked[0].body
    );
}

#[tokio::test]
async fn an_amazon_message_is_signed() {
    let sns = "sns_configs: [{api_url: 'URL/', topic_arn: 'arn:aws:sns:eu-west-1:1:t', sigv4: {access_key: AKID, secret_key: SECRET}}]";
    let (receipt, asked) = ask(sns, &[(200, json!("<PublishResponse/>"))]).await;
    assert_eq!(receipt, accepted(200));
    let signed = asked[0].header("authorization");
    let day = &asked[0].header("x-amz-date")[..8];
    let start = format!(
        "AWS4-HMAC-SHA256 Credential=AKID/{day}/eu-west-1/sns/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, Signature="
    );
    assert!(signed.starts_with(&start), "{signed}");
    assert!(asked[0].body.contains("TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3At"), "{}", asked[0].body);
    let throttled = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";
    let (receipt, _) = ask(sns, &[(400, json!(throttled))]).await;
    assert_eq!(receipt.next(), Next::Again { after: None }, "{receipt:?}");
}

#[tokio::test]
async fn a_wechat_token_is_fetched_once_and_again_when_it_is_not_known_any_more() {
    let wechat = "wechat_configs: [{api_url: 'URL/cgi-bin', api_secret: s, corp_id: c, to_user: '@all'}]";
    let (fake, address) = Fake::open(&[
        (200, json!({"errcode": 0, "access_token": "one"})),
        (200, json!({"errcode": 0})),
        (200, json!({"errcode": 42001, "errmsg": "expired"})),
        (200, json!({"errcode": 0, "access_token": "two"})),
        (200, json!({"errcode": 0})),
        (200, json!({"errcode": 45009, "errmsg": "too often"})),
        (200, json!({"errcode": 81013, "errmsg": "nobody"})),
    ])
    .await;
    let setup = told::setup(&wechat.replace("URL", &format!("http://{address}")));
    let delivery = told::delivery(&setup, told::alert(&[], &[]));
    let senders = Senders::new(setup);
    let mut receipts = Vec::new();
    for _ in 0..4 {
        receipts.push(senders.send(delivery.clone()).await.receipt);
    }
    assert_eq!(
        receipts,
        [
            accepted(200),
            accepted(200),
            refused(429, "too often (its status was 200)", None),
            refused(400, "nobody (its status was 200)", None),
        ]
    );
    let uris: Vec<_> = fake.asked().iter().map(|asked| asked.uri.clone()).collect();
    assert_eq!(
        uris,
        [
            "/cgi-bin/gettoken?corpid=c&corpsecret=s",
            "/cgi-bin/message/send?access_token=one",
            "/cgi-bin/message/send?access_token=one",
            "/cgi-bin/gettoken?corpid=c&corpsecret=s",
            "/cgi-bin/message/send?access_token=two",
            "/cgi-bin/message/send?access_token=two",
            "/cgi-bin/message/send?access_token=two",
        ]
    );
}

const JIRA: &str = "jira_configs: [{api_url: 'URL/rest/api/2', project: OPS, issue_type: Bug, comment: c, reopen_transition: Reopen, resolve_transition: Done, reopen_duration: 1h, summary: {template: s, enable_update: false}}]";

fn steps(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|asked| format!("{} {}", asked.method, asked.uri)).collect()
}

#[tokio::test]
async fn a_new_group_becomes_an_issue() {
    let (receipt, asked) = ask(JIRA, &[(200, json!({"issues": []})), (201, json!({"key": "OPS-1"}))]).await;
    assert_eq!(receipt, accepted(201));
    assert_eq!(steps(&asked), ["POST /rest/api/2/search", "POST /rest/api/2/issue"]);
    assert_eq!(asked[1].json()["fields"]["project"]["key"], "OPS");
    let cloud = JIRA.replace("project: OPS", "project: OPS, api_type: cloud");
    let (_, asked) = ask(&cloud, &[(200, json!({"issues": []})), (201, json!({}))]).await;
    assert_eq!(asked[0].uri, "/rest/api/3/search/jql");
}

#[tokio::test]
async fn a_known_issue_is_changed_commented_and_opened_again() {
    let issue =
        json!({"issues": [{"key": "OPS-1", "fields": {"status": {"statusCategory": {"key": "done"}}}}]});
    let transitions = json!({"transitions": [{"id": "11", "name": "Done"}, {"id": "21", "name": "Reopen"}]});
    let answers =
        [(200, issue.clone()), (204, json!("")), (201, json!("")), (200, transitions), (204, json!(""))];
    let (receipt, asked) = ask(JIRA, &answers).await;
    assert_eq!(receipt, accepted(204));
    assert_eq!(
        steps(&asked),
        [
            "POST /rest/api/2/search",
            "PUT /rest/api/2/issue/OPS-1",
            "POST /rest/api/2/issue/OPS-1/comment",
            "GET /rest/api/2/issue/OPS-1/transitions",
            "POST /rest/api/2/issue/OPS-1/transitions",
        ]
    );
    assert_eq!(asked[1].json()["fields"]["summary"], Value::Null);
    assert_eq!(asked[4].json(), json!({"transition": {"id": "21"}}));
    let answers = [
        (200, issue),
        (204, json!("")),
        (201, json!("")),
        (200, json!({"transitions": [{"id": "1", "name": "Start"}]})),
    ];
    let (receipt, _) = ask(JIRA, &answers).await;
    let why = "OPS-1 has no transition \"Reopen\" from where it is; it has [\"Start\"] (its status was 200)";
    assert_eq!(receipt, refused(404, why, None));
}

#[tokio::test]
async fn a_search_without_a_list_creates_no_issue() {
    let (receipt, asked) = ask(JIRA, &[(200, json!("<html>"))]).await;
    assert_eq!((receipt.next(), asked.len()), (Next::Again { after: None }, 1), "{receipt:?}");
    let (receipt, _) = ask(JIRA, &[(503, json!("down"))]).await;
    assert_eq!(receipt, refused(503, "down", None));
}
