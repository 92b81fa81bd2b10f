/* The limit: the least that carries a call between Twilio's socket and Deepgram's. One thread, epoll, no checks.
 * Not a bridge anybody should use: no signature, no ledger, no deadlines, no recovery.
 *
 * relay --agent 127.0.0.1:PORT/PATH [--port PORT]     prints {"port": N} and serves until it is stopped. */
#include "bench.h"

enum { LISTEN, CALLER, AGENT };

struct call {
    struct conn caller, agent; /* caller first: a pointer to it is a pointer to the call */
    int caller_open, agent_open, ready, prefix_len;
    char stream[64], prefix[192];
};

static char AGENT_HOST[64] = "127.0.0.1", AGENT_PATH[256] = "/v1/agent/converse";
static int AGENT_PORT, PORT;

static const char SETTINGS[] =
    "{\"type\":\"Settings\",\"audio\":{\"input\":{\"encoding\":\"mulaw\",\"sample_rate\":8000},\"output\":"
    "{\"encoding\":\"mulaw\",\"sample_rate\":8000,\"container\":\"none\"}},\"agent\":{\"listen\":{\"provider\":"
    "{\"type\":\"deepgram\",\"model\":\"nova-3\"}},\"think\":{\"provider\":{\"type\":\"open_ai\",\"model\":"
    "\"gpt-4o-mini\"}},\"speak\":{\"provider\":{\"type\":\"deepgram\",\"model\":\"aura-2-thalia-en\"}}}}";

static struct call *call_of(struct conn *c) {
    return c->kind == CALLER ? (struct call *)c : (struct call *)((char *)c - offsetof(struct call, agent));
}

static struct call *DEAD[4096]; /* freed after the batch of events, so that no event meets freed memory */
static int DEAD_COUNT;

static void end(struct call *k) {
    if (k->caller.fd < 0 && k->agent.fd < 0) return;
    if (k->caller.fd >= 0 && k->caller_open) ws_send(&k->caller, WS_CLOSE, 0, "\x03\xe8", 2);
    if (k->agent.fd >= 0 && k->agent_open) ws_send(&k->agent, WS_CLOSE, 1, "\x03\xe8", 2);
    conn_close(&k->caller), conn_close(&k->agent);
    if (DEAD_COUNT < 4096) DEAD[DEAD_COUNT++] = k;
}

static void dial_agent(struct call *k) {
    char key[25], head[512];
    int fd = dial(AGENT_HOST, AGENT_PORT);
    if (fd < 0) return end(k);
    conn_open(&k->agent, fd, AGENT);
    ws_key(key);
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nAuthorization: Token benchmark\r\n\r\n",
                     AGENT_PATH, AGENT_HOST, AGENT_PORT, key);
    if (conn_send(&k->agent, head, (size_t)n)) end(k);
}

static int from_caller(struct call *k, struct ws_in *f) {
    const char *p = (const char *)f->p, *last = p + f->n;
    if (f->opcode == WS_CLOSE) return -1;
    if (f->opcode == WS_PING) return ws_send(&k->caller, WS_PONG, 0, f->p, f->n);
    if (f->opcode != WS_TEXT) return 0;
    const char *event = JSON_VALUE(p, f->n, "event");
    if (json_is(event, last, "media")) {
        if (!k->ready) return 0;
        const char *payload = JSON_VALUE(p, f->n, "payload");
        const char *stop = payload ? memchr(payload + 1, '"', (size_t)(last - payload - 1)) : NULL;
        unsigned char audio[3072];
        if (!stop || stop - payload > 4096) return 0;
        long n = b64_decode(audio, payload + 1, (size_t)(stop - payload - 1));
        return n > 0 ? ws_send(&k->agent, WS_BINARY, 1, audio, (size_t)n) : 0;
    }
    if (json_is(event, last, "start")) {
        const char *sid = JSON_VALUE(p, f->n, "streamSid");
        const char *stop = sid ? memchr(sid + 1, '"', (size_t)(last - sid - 1)) : NULL;
        if (!stop || (size_t)(stop - sid) > sizeof k->stream) return -1;
        memcpy(k->stream, sid + 1, (size_t)(stop - sid - 1));
        k->prefix_len = snprintf(k->prefix, sizeof k->prefix,
                                 "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":\"", k->stream);
        dial_agent(k);
        return k->agent.fd < 0 ? -1 : 0;
    }
    return json_is(event, last, "stop") ? -1 : 0;
}

static int from_agent(struct call *k, struct ws_in *f) {
    if (f->opcode == WS_BINARY) {
        char text[16384];
        size_t n = (size_t)k->prefix_len;
        if (f->n > 8192) return -1;
        memcpy(text, k->prefix, n);
        n += b64_encode(text + n, f->p, f->n);
        memcpy(text + n, "\"}}", 3);
        unsigned char frame[16384 + 14];
        return conn_send(&k->caller, frame, ws_frame(frame, WS_TEXT, 0, text, n + 3));
    }
    if (f->opcode == WS_CLOSE) return -1;
    if (f->opcode == WS_PING) return ws_send(&k->agent, WS_PONG, 1, f->p, f->n);
    const char *type = JSON_VALUE(f->p, f->n, "type"), *last = (const char *)f->p + f->n;
    if (json_is(type, last, "Welcome")) return ws_send(&k->agent, WS_TEXT, 1, SETTINGS, sizeof SETTINGS - 1);
    if (json_is(type, last, "SettingsApplied")) k->ready = 1;
    if (json_is(type, last, "UserStartedSpeaking")) {
        char text[160];
        int n = snprintf(text, sizeof text, "{\"event\":\"clear\",\"streamSid\":\"%s\"}", k->stream);
        return ws_send(&k->caller, WS_TEXT, 0, text, (size_t)n);
    }
    return 0;
}

/* Webhook: the TwiML that leads the caller back here. */
static int answer_http(struct call *k, const char *head) {
    size_t n;
    char body[512], answer[1024];
    const char *host = header_of(head, "Host", &n);
    int len = snprintf(body, sizeof body,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"wss://%.*s/twilio\" />"
                       "</Connect></Response>", host ? (int)(n > 200 ? 200 : n) : 9, host ? host : "localhost");
    len = snprintf(answer, sizeof answer,
                   "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len, body);
    conn_send(&k->caller, answer, (size_t)len);
    return -1;
}

static int take_head(struct call *k, struct conn *c) {
    unsigned char *stop = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!stop) return c->in_len > 8192 ? -1 : 0;
    stop[2] = 0;
    const char *head = (const char *)c->in;
    if (c->kind == CALLER) {
        if (strncmp(head, "GET ", 4)) return answer_http(k, head);
        if (ws_answer(c, head)) return -1;
        k->caller_open = 1;
    } else {
        if (strncmp(head, "HTTP/1.1 101", 12)) return -1;
        k->agent_open = 1;
    }
    conn_taken(c, (size_t)(stop + 4 - c->in));
    return 0;
}

static void readable(struct conn *c) {
    struct call *k = call_of(c);
    int *open = c->kind == CALLER ? &k->caller_open : &k->agent_open;
    if (conn_read(c) < 0) return end(k);
    if (!*open && take_head(k, c) < 0) return end(k);
    if (!*open) return;
    size_t pos = 0;
    struct ws_in f;
    int more;
    while ((more = ws_next(c, &pos, &f)) > 0) {
        if ((c->kind == CALLER ? from_caller(k, &f) : from_agent(k, &f)) < 0) return end(k);
        if (c->fd < 0) return;
    }
    if (more < 0) return end(k);
    conn_taken(c, pos);
}

static void accept_all(int fd) {
    for (int got; (got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct call *k = calloc(1, sizeof *k);
        k->caller.fd = k->agent.fd = -1;
        conn_open(&k->caller, got, CALLER);
    }
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port")) PORT = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--agent")) sscanf(argv[i + 1], "%63[^:]:%d%255s", AGENT_HOST, &AGENT_PORT, AGENT_PATH);
    }
    if (!AGENT_PORT) fprintf(stderr, "usage: relay --agent HOST:PORT/PATH [--port PORT]\n"), exit(2);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    b64_init();
    signal(SIGPIPE, SIG_IGN);
    RANDOM ^= now_us();
    EPOLL = epoll_create1(EPOLL_CLOEXEC);
    struct conn door = {.fd = listen_on("127.0.0.1", PORT), .kind = LISTEN};
    conn_watch(&door, EPOLL_CTL_ADD);
    printf("{\"port\": %d}\n", port_of(door.fd));
    fflush(stdout);
    struct epoll_event events[256];
    for (;;) {
        int n = epoll_wait(EPOLL, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (c->fd < 0) continue;
            if (c->kind == LISTEN) {
                accept_all(c->fd);
                continue;
            }
            if (events[i].events & EPOLLOUT && conn_flush(c) < 0) {
                end(call_of(c));
                continue;
            }
            if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) readable(c);
        }
        while (DEAD_COUNT) free(DEAD[--DEAD_COUNT]);
    }
}
