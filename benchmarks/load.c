/* N callers in real time and the Deepgram-compatible agent they talk to: one process, one thread, one clock.
 * Not a simulated Twilio (that is `sim/`): it plays the plain road only, but 1,000 times at once.
 *
 * load --target HOST:PORT [--calls N --seconds S] [--webhook PATH | --stream PATH] [--public URL] [--account AC…]
 *      [--agent-port P] [--agent realtime|burst] [--ramp STARTS_PER_S] [--settle S] [--barge S] [--shortest S]
 *      [--abrupt SHARE]
 * Without --calls it reads lines `run CALLS SECONDS` from standard input. Every answer is one line of JSON.
 * The auth token that signs is the environment variable OFFHOOK_BENCH_TOKEN (unsigned where it is empty). */
#include "stamp.h"
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { LISTEN, CALLER, AGENT };
enum { MARKS = 128, LEAD = 10, PAUSE_MS = 200, QUIET_US = 700000, LEAK_US = 1000000, START_LIMIT_US = 15000000 };
enum state { WAITING, WEBHOOK, UPGRADE, LIVE, ENDED };

struct timer {
    uint64_t at;
    int slot; /* place in the heap, -1 outside */
    void (*fire)(struct timer *);
};

struct mark {
    char name[80];
    uint64_t at;
};

struct call {
    struct conn c; /* first: a pointer to it is a pointer to the call */
    struct timer timer;
    enum state state;
    uint32_t id, sent, messages, cleared;
    int agent, marks, marks_head, failed, awaiting_clear;
    uint64_t begin, started, first_media, planned_end, ended, play_until, next_frame;
    char call_sid[36], stream_sid[36], path[600], url[700], parameters[2048];
    struct receiver heard;
    struct mark mark[MARKS];
};

struct agent {
    struct conn c;
    struct timer timer;
    uint32_t id, sent, turn;
    int open, call, keyed, in_turn, frames_left;
    uint64_t applied, next_frame, turn_began, barged, closed;
    struct receiver heard;
};

static struct call *CALLS;
static struct agent *AGENTS;
static int CALL_COUNT, AGENT_ROOM, AGENT_USED, LIVE_NOW, WAITING_NOW;
static uint64_t STEADY_FROM, STEADY_UNTIL, LAST_END;
static struct delays UP, DOWN, CLEAR, FIRST, LATE;
static struct { uint64_t marks, marks_returned, marks_dropped, clears_due, clears_missed, clears_late, wrong_stream,
                bad_messages, crossed, up_sent, down_sent, unkeyed, agents_refused, preroll, held; } N;
enum failure { OK, F_CONNECT, F_WEBHOOK, F_TWIML, F_UPGRADE, F_SLOW, F_CUT, F_PROTOCOL, F_STUCK, FAILURES };
static const char *FAILURE[] = {"", "connect", "webhook_status", "no_stream_in_twiml", "upgrade_refused",
                                "start_too_slow", "cut_by_server", "protocol", "server_does_not_read"};
static uint64_t FAILED[FAILURES];
static int LAST_STATUS;

static char HOST[64] = "127.0.0.1", WEBHOOK_PATH[256], STREAM_PATH[256] = "/twilio", PUBLIC[256], ACCOUNT[64] =
    "AC00000000000000000000000000000001";
static int TARGET, AGENT_PORT, BURST, WANT_CALLS;
static double SECONDS = 10, RAMP = 50, BARGE = 5, SHORTEST, ABRUPT, SETTLE = 1.5;

/* ---- timers: a binary heap by time ------------------------------------------------------------------------- */

static struct timer **HEAP;
static int HEAP_LEN, HEAP_ROOM;

static void heap_put(int i, struct timer *t) { HEAP[i] = t, t->slot = i; }

static void heap_sift(int i, struct timer *t) {
    for (int up; i && HEAP[up = (i - 1) / 2]->at > t->at; i = up) heap_put(i, HEAP[up]);
    for (int low; (low = 2 * i + 1) < HEAP_LEN; i = low) {
        if (low + 1 < HEAP_LEN && HEAP[low + 1]->at < HEAP[low]->at) low++;
        if (HEAP[low]->at >= t->at) break;
        heap_put(i, HEAP[low]);
    }
    heap_put(i, t);
}

static void timer_stop(struct timer *t) {
    if (t->slot < 0) return;
    struct timer *last = HEAP[--HEAP_LEN];
    int i = t->slot;
    t->slot = -1;
    if (last != t) heap_sift(i, last);
}

static void timer_set(struct timer *t, uint64_t at) {
    timer_stop(t);
    if (HEAP_LEN == HEAP_ROOM) HEAP = realloc(HEAP, sizeof *HEAP * (size_t)(HEAP_ROOM = HEAP_ROOM ? 2 * HEAP_ROOM : 1024));
    t->at = at;
    heap_sift(HEAP_LEN++, t);
}

/* Sleep until the next timer or the next socket, at most 100 ms; to the microsecond where the kernel can (5.11). */
static int wait_events(struct epoll_event *events, int room) {
    static int coarse;
    uint64_t now = now_us(), most = 100000, us = !HEAP_LEN ? most : HEAP[0]->at <= now ? 0 : HEAP[0]->at - now;
    if (us > most) us = most;
    struct timespec t = {0, (long)us * 1000};
    if (!coarse) {
        long n = syscall(SYS_epoll_pwait2, EPOLL, events, room, &t, NULL, 8);
        if (n >= 0 || errno != ENOSYS) return (int)n;
        coarse = 1;
    }
    return epoll_wait(EPOLL, events, room, (int)((us + 500) / 1000));
}

/* ---- the agent --------------------------------------------------------------------------------------------- */

static void agent_gone(struct agent *a) {
    timer_stop(&a->timer);
    if (a->c.fd < 0) return;
    conn_close(&a->c);
    a->open = 0, a->closed = now_us();
}

static void agent_says(struct agent *a, const char *text) {
    if (a->open && ws_send(&a->c, WS_TEXT, 0, text, strlen(text)) < 0) agent_gone(a);
}

static void agent_starts_turn(struct agent *a, uint64_t now) {
    if (a->turn) {
        agent_says(a, "{\"type\":\"ConversationText\",\"role\":\"user\",\"content\":\"And on Sunday?\"}");
        agent_says(a, "{\"type\":\"History\",\"role\":\"user\",\"content\":\"And on Sunday?\"}");
    }
    agent_says(a, "{\"type\":\"AgentStartedSpeaking\",\"total_latency\":0.9,\"tts_latency\":0.2,\"ttt_latency\":0.5}");
    agent_says(a, "{\"type\":\"ConversationText\",\"role\":\"assistant\",\"content\":\"We open at nine.\"}");
    agent_says(a, "{\"type\":\"History\",\"role\":\"assistant\",\"content\":\"We open at nine.\"}");
    a->in_turn = 1, a->turn_began = a->next_frame = now;
    a->frames_left = BURST ? 100 : LEAD;
}

/* Send n frames in one write, as one socket write of the vendor's may hold several. */
static void agent_sends(struct agent *a, int n) {
    unsigned char wire[20 * (FRAME + 14)], frame[FRAME];
    size_t len = 0;
    for (int i = 0; i < n && i < 20; i++) {
        stamp_write(frame, FROM_AGENT, a->turn, a->id, a->sent++);
        len += ws_frame(wire + len, WS_BINARY, 0, frame, FRAME);
    }
    N.down_sent += (uint64_t)n;
    if (conn_send(&a->c, wire, len) < 0) agent_gone(a);
}

static void agent_barges_in(struct agent *a, uint64_t now) {
    struct call *k = a->call >= 0 ? &CALLS[a->call] : NULL;
    if (k && k->state == LIVE && k->play_until > now + 40000) { /* a clear is due where something is unheard */
        if (k->awaiting_clear) N.clears_missed++;
        k->awaiting_clear = 1, N.clears_due++;
    }
    a->in_turn = 0, a->turn++, a->barged = now;
    agent_says(a, "{\"type\":\"UserStartedSpeaking\"}");
    agent_says(a, "{\"type\":\"AgentAudioDone\"}");
    timer_set(&a->timer, now + PAUSE_MS * 1000);
}

static int agent_falls_quiet(struct agent *a, uint64_t now) { /* so that no frame is in flight when the caller hangs up */
    return a->call >= 0 && now + QUIET_US >= CALLS[a->call].planned_end;
}

static void agent_ticks(struct timer *t) {
    struct agent *a = (struct agent *)((char *)t - offsetof(struct agent, timer));
    uint64_t now = now_us();
    delays_add(&LATE, now - t->at);
    if (agent_falls_quiet(a, now)) {
        if (a->in_turn) agent_says(a, "{\"type\":\"AgentAudioDone\"}");
        return;
    }
    if (!a->in_turn) agent_starts_turn(a, now);
    if (!a->open) return;
    if (a->call >= 0 && now - a->turn_began > (uint64_t)(BARGE * 1e6)) return agent_barges_in(a, now);
    int n = BURST ? 10 : a->frames_left ? a->frames_left : 1;
    agent_sends(a, n);
    if (!a->open) return;
    if (!BURST) a->frames_left = 0, a->next_frame += 20000;
    else if ((a->frames_left -= n) > 0) a->next_frame += 10000;
    else a->frames_left = 100, a->next_frame += 2000000 - 90000; /* two seconds of audio at 20 times real time */
    uint64_t barge = a->turn_began + (uint64_t)(BARGE * 1e6) + 1000; /* in the middle of what is being heard */
    timer_set(t, BURST && a->frames_left == 100 && a->call >= 0 && barge < a->next_frame ? barge : a->next_frame);
}

static void agent_heard(void *owner, const struct stamp *s, uint64_t now) {
    struct agent *a = owner;
    if (a->call < 0) {
        a->call = (int)s->sender;
        if (s->sender >= (uint32_t)CALL_COUNT) {
            a->call = -1, N.crossed++;
            return;
        }
        struct call *k = &CALLS[a->call];
        if (k->agent >= 0) N.crossed++;
        k->agent = (int)a->id;
        /* Frames from before the agent was ready are the bridge's to keep or drop; later ones are not. */
        uint32_t early = 0;
        uint64_t ready = a->applied + 250000;
        if (ready > k->started) early = (uint32_t)((ready - k->started) / 20000) + 1;
        uint32_t excused = a->heard.lost < early ? a->heard.lost : early;
        a->heard.lost -= excused, N.preroll += excused;
    }
    if (s->sent_us >= a->applied && now >= STEADY_FROM && now < STEADY_UNTIL) delays_add(&UP, now - s->sent_us);
}

static void agent_text(struct agent *a, const struct ws_in *f) {
    const char *type = JSON_VALUE(f->p, f->n, "type");
    if (a->applied || !json_is(type, (const char *)f->p + f->n, "Settings")) return;
    agent_says(a, "{\"type\":\"SettingsApplied\"}");
    a->applied = now_us();
    if (a->open) timer_set(&a->timer, a->applied); /* the greeting: at once */
}

static int agent_opens(struct agent *a) {
    unsigned char *stop = memmem(a->c.in, a->c.in_len, "\r\n\r\n", 4);
    if (!stop) return a->c.in_len > 16384 ? -1 : 0;
    stop[2] = 0;
    size_t n;
    a->keyed = header_of((char *)a->c.in, "Authorization", &n) != NULL;
    if (!a->keyed) N.unkeyed++;
    if (ws_answer(&a->c, (char *)a->c.in)) return -1;
    conn_taken(&a->c, (size_t)(stop + 4 - a->c.in));
    a->open = 1;
    agent_says(a, "{\"type\":\"Welcome\",\"request_id\":\"00000000-0000-4000-8000-000000000001\"}");
    return a->open ? 0 : -1;
}

static void agent_readable(struct agent *a) {
    if (conn_read(&a->c) < 0 || (!a->open && agent_opens(a) < 0)) return agent_gone(a);
    if (!a->open) return;
    size_t pos = 0;
    struct ws_in f;
    int more;
    uint64_t now = now_us();
    while ((more = ws_next(&a->c, &pos, &f)) > 0) {
        if (f.opcode == WS_BINARY || f.opcode == WS_CONT)
            receiver_feed(&a->heard, f.p, f.n, FROM_CALLER, a, agent_heard, now);
        else if (f.opcode == WS_TEXT) agent_text(a, &f);
        else if (f.opcode == WS_PING) ws_send(&a->c, WS_PONG, 0, f.p, f.n);
        else if (f.opcode == WS_CLOSE) {
            ws_send(&a->c, WS_CLOSE, 0, f.p, f.n < 2 ? 0 : 2);
            return agent_gone(a);
        }
        if (a->c.fd < 0) return;
    }
    if (more < 0) return agent_gone(a);
    conn_taken(&a->c, pos);
}

static void agent_accept(int fd) {
    for (int got; (got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (AGENT_USED == AGENT_ROOM) {
            close(got), N.agents_refused++;
            continue;
        }
        struct agent *a = &AGENTS[AGENT_USED];
        memset(a, 0, sizeof *a);
        a->id = (uint32_t)AGENT_USED++, a->call = -1, a->timer.slot = -1, a->timer.fire = agent_ticks;
        conn_open(&a->c, got, AGENT);
    }
}

/* ---- the caller -------------------------------------------------------------------------------------------- */

static void call_ends(struct call *k, enum failure why) {
    if (k->state == ENDED) return;
    timer_stop(&k->timer);
    if (k->state == LIVE) LIVE_NOW--;
    else WAITING_NOW--;
    k->state = ENDED, k->failed = why, k->ended = now_us();
    FAILED[why]++;
    conn_close(&k->c);
}

static void call_says(struct call *k, const char *text, size_t n) {
    if (k->state == LIVE && ws_send(&k->c, WS_TEXT, 1, text, n) < 0) call_ends(k, F_STUCK);
}

static void call_connects(struct call *k) {
    int fd = dial(HOST, TARGET);
    if (fd < 0) return call_ends(k, F_CONNECT);
    conn_open(&k->c, fd, CALLER);
}

static void sign(const char *text, char out[32]) {
    unsigned char digest[20];
    hmac_sha1(getenv("OFFHOOK_BENCH_TOKEN"), text, strlen(text), digest);
    out[b64_encode(out, digest, 20)] = 0;
}

static int signs(void) { return getenv("OFFHOOK_BENCH_TOKEN") && *getenv("OFFHOOK_BENCH_TOKEN"); }

static const char *public_host(void) {
    const char *at = strstr(PUBLIC, "://");
    return at ? at + 3 : "localhost";
}

/* POST the voice webhook, signed: URL, then every parameter name and value in the order of their names. */
static void call_posts(struct call *k) {
    static const char *names[] = {"AccountSid", "ApiVersion", "CallSid", "CallStatus", "Called", "Caller", "Direction", "From", "To"};
    const char *values[] = {ACCOUNT, "2010-04-01", k->call_sid, "ringing", "+15005550006", "+14155550123", "inbound", "+14155550123", "+15005550006"};
    char text[2048], body[1024] = "", signature[32] = "", head[2048];
    int n = snprintf(text, sizeof text, "%s%s", PUBLIC, WEBHOOK_PATH);
    for (int i = 0; i < 9; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", names[i], values[i]);
        int plus = values[i][0] == '+';
        snprintf(body + strlen(body), sizeof body - strlen(body), "%s%s=%s%s", i ? "&" : "", names[i], plus ? "%2B" : "", values[i] + plus);
    }
    if (signs()) sign(text, signature);
    n = snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: TwilioProxy/1.1\r\nX-Forwarded-Proto: https\r\n"
                 "X-Twilio-Signature: %s\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
                 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 WEBHOOK_PATH, public_host(), signature, strlen(body), body);
    k->state = WEBHOOK;
    call_connects(k);
    if (k->state == WEBHOOK && conn_send(&k->c, head, (size_t)n) < 0) call_ends(k, F_CONNECT);
}

static void call_upgrades(struct call *k) {
    char key[25], signature[32] = "", head[2048];
    if (signs()) sign(k->url, signature);
    ws_key(key);
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Twilio.TmeWs/1.0\r\nX-Forwarded-Proto: https\r\nConnection: Upgrade\r\n"
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nX-Twilio-Signature: %s\r\n\r\n",
                     k->path, public_host(), key, signature);
    k->state = UPGRADE;
    call_connects(k);
    if (k->state == UPGRADE && conn_send(&k->c, head, (size_t)n) < 0) call_ends(k, F_CONNECT);
}

static int attribute(const char *tag, const char *stop, const char *name, char *to, size_t room) {
    size_t n = strlen(name), len = 0;
    for (const char *p = tag; (p = strstr(p, name)) && p < stop; p += n) {
        if (p[-1] != ' ' || p[n] != '=' || (p[n + 1] != '"' && p[n + 1] != '\'')) continue;
        const char *v = p + n + 2, *end = strchr(v, p[n + 1]);
        for (; end && v < end && len + 1 < room; v++) {
            to[len++] = *v;
            if (!strncmp(v, "&amp;", 5)) v += 4;
        }
        to[len] = 0;
        return 1;
    }
    return 0;
}

/* The Stream's url and parameters out of the TwiML. 0: there is none. */
static int read_twiml(struct call *k, const char *xml) {
    const char *stream = strstr(xml, "<Stream "), *stop = stream ? strchr(stream, '>') : NULL;
    if (!stop || !attribute(stream, stop, "url", k->url, sizeof k->url)) return 0;
    const char *path = strstr(k->url, "://");
    path = path ? strchr(path + 3, '/') : NULL;
    snprintf(k->path, sizeof k->path, "%s", path ? path : "/");
    const char *last = stop[-1] == '/' ? stop : strstr(stop, "</Stream>");
    char name[128], value[600];
    size_t n = 0;
    for (const char *p = stop; last && (p = strstr(p, "<Parameter ")) && p < last; p++) {
        const char *end = strchr(p, '>');
        if (!end || !attribute(p, end, "name", name, sizeof name) || !attribute(p, end, "value", value, sizeof value)) return 0;
        n += (size_t)snprintf(k->parameters + n, sizeof k->parameters - n, "%s\"%s\":\"%s\"", n ? "," : "", name, value);
        if (n >= sizeof k->parameters) return 0;
    }
    return 1;
}

static void call_reads_twiml(struct call *k, int gone) {
    struct conn *c = &k->c;
    if (c->in_len + 1 >= c->in_cap) return call_ends(k, F_WEBHOOK);
    c->in[c->in_len] = 0;
    char *head = (char *)c->in, *body = strstr(head, "\r\n\r\n");
    if (!body) return gone || c->in_len > 16384 ? call_ends(k, F_WEBHOOK) : (void)0;
    size_t n;
    body[2] = 0;
    const char *length = header_of(head, "Content-Length", &n);
    size_t want = length ? (size_t)atoi(length) : SIZE_MAX, got = c->in_len - (size_t)(body + 4 - head);
    LAST_STATUS = atoi(head + 9);
    body[2] = '\r';
    if (LAST_STATUS != 200) return call_ends(k, F_WEBHOOK);
    if (got < want && !gone) return;
    if (!read_twiml(k, body + 4)) return call_ends(k, F_TWIML);
    conn_close(c);
    call_upgrades(k);
}

static void call_starts(struct call *k) {
    char text[4096];
    static const char connected[] = "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}";
    k->state = LIVE, LIVE_NOW++, WAITING_NOW--;
    call_says(k, connected, sizeof connected - 1);
    int n = snprintf(text, sizeof text,
                     "{\"event\":\"start\",\"sequenceNumber\":\"1\",\"start\":{\"accountSid\":\"%s\",\"streamSid\":\"%s\",\"callSid\":"
                     "\"%s\",\"tracks\":[\"inbound\"],\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,"
                     "\"channels\":1},\"customParameters\":{%s}},\"streamSid\":\"%s\"}",
                     ACCOUNT, k->stream_sid, k->call_sid, k->parameters, k->stream_sid);
    k->started = now_us(), k->messages = 1;
    call_says(k, text, (size_t)n);
    double span = SHORTEST > 0 ? SHORTEST + (SECONDS - SHORTEST) * (double)(next_random() >> 11) / 9007199254740992.0 : SECONDS;
    k->planned_end = k->started + (uint64_t)(span * 1e6);
    if (SHORTEST <= 0 && STEADY_UNTIL > k->planned_end) k->planned_end = STEADY_UNTIL + k->id * 1000;
    k->next_frame = k->started + 20000 + next_random() % 20000; /* phases spread evenly over the 20 ms */
    if (k->state == LIVE) timer_set(&k->timer, k->next_frame);
}

static void call_hangs_up(struct call *k) {
    char text[256];
    N.up_sent += k->sent;
    if (k->awaiting_clear) N.clears_missed++;
    if ((double)(next_random() >> 11) / 9007199254740992.0 < ABRUPT) {
        conn_reset(&k->c);
        return call_ends(k, OK);
    }
    int n = snprintf(text, sizeof text,
                     "{\"event\":\"stop\",\"sequenceNumber\":\"%u\",\"streamSid\":\"%s\",\"stop\":{\"accountSid\":\"%s\",\"callSid\":\"%s\"}}",
                     ++k->messages, k->stream_sid, ACCOUNT, k->call_sid);
    call_says(k, text, (size_t)n);
    if (k->state == LIVE) ws_send(&k->c, WS_CLOSE, 1, "\x03\xe8", 2);
    call_ends(k, OK);
}

static void call_returns_marks(struct call *k, uint64_t now) {
    char text[256];
    while (k->marks && k->mark[k->marks_head].at <= now && k->state == LIVE) {
        int n = snprintf(text, sizeof text,
                         "{\"event\":\"mark\",\"sequenceNumber\":\"%u\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"%s\"}}",
                         ++k->messages, k->stream_sid, k->mark[k->marks_head].name);
        k->marks--, k->marks_head = (k->marks_head + 1) % MARKS, N.marks_returned++;
        call_says(k, text, (size_t)n);
    }
}

static void call_sends_frame(struct call *k) {
    unsigned char frame[FRAME];
    char text[640];
    uint32_t chunk = k->sent + 1;
    int n = snprintf(text, sizeof text,
                     "{\"event\":\"media\",\"sequenceNumber\":\"%u\",\"media\":{\"track\":\"inbound\",\"chunk\":\"%u\","
                     "\"timestamp\":\"%u\",\"payload\":\"", ++k->messages, chunk, 100 + 20 * chunk);
    stamp_write(frame, FROM_CALLER, k->cleared, k->id, k->sent++);
    n += (int)b64_encode(text + n, frame, FRAME);
    n += snprintf(text + n, sizeof text - (size_t)n, "\"},\"streamSid\":\"%s\"}", k->stream_sid);
    call_says(k, text, (size_t)n);
}

static void call_ticks(struct timer *t) {
    struct call *k = (struct call *)((char *)t - offsetof(struct call, timer));
    uint64_t now = now_us();
    if (k->state == WAITING) {
        k->begin = now;
        timer_set(t, now + START_LIMIT_US);
        return WEBHOOK_PATH[0] ? call_posts(k) : call_upgrades(k);
    }
    if (k->state != LIVE) return call_ends(k, F_SLOW);
    delays_add(&LATE, now - t->at);
    if (now >= k->planned_end) return call_hangs_up(k);
    call_sends_frame(k);
    call_returns_marks(k, now);
    k->next_frame += 20000;
    if (k->state == LIVE) timer_set(t, k->next_frame);
}

static void call_heard(void *owner, const struct stamp *s, uint64_t now) {
    struct call *k = owner;
    if (k->agent < 0 || (uint32_t)k->agent != s->sender) {
        if (k->agent >= 0) N.crossed++; /* our audio reached one agent, another one answers */
    } else if (k->awaiting_clear && s->turn == AGENTS[k->agent].turn) {
        N.clears_late++, k->awaiting_clear = 0; /* audio of the next turn came before its clear */
    }
    if (!k->first_media) k->first_media = now, delays_add(&FIRST, now - k->started);
    if (s->sent_us < k->started) N.held++; /* the agent spoke before the stream: waiting was right */
    else if (now >= STEADY_FROM && now < STEADY_UNTIL) delays_add(&DOWN, now - s->sent_us);
}

static void call_takes_mark(struct call *k, const char *name, const char *last, uint64_t now) {
    const char *stop = name && *name == '"' ? memchr(name + 1, '"', (size_t)(last - name - 1)) : NULL;
    N.marks++;
    if (!stop || stop - name > 79 || k->marks == MARKS) {
        N.marks_dropped++;
        return;
    }
    struct mark *m = &k->mark[(k->marks_head + k->marks++) % MARKS];
    memcpy(m->name, name + 1, (size_t)(stop - name - 1));
    m->name[stop - name - 1] = 0;
    m->at = k->play_until;
    call_returns_marks(k, now);
}

static void call_takes_clear(struct call *k, uint64_t now) {
    k->cleared++, k->play_until = now;
    if (k->awaiting_clear && k->agent >= 0) delays_add(&CLEAR, now - AGENTS[k->agent].barged);
    k->awaiting_clear = 0;
    for (int i = 0; i < k->marks; i++) k->mark[(k->marks_head + i) % MARKS].at = now;
    call_returns_marks(k, now);
}

static void call_text(struct call *k, const struct ws_in *f, uint64_t now) {
    const char *p = (const char *)f->p, *last = p + f->n, *event = JSON_VALUE(p, f->n, "event"), *sid = JSON_VALUE(p, f->n, "streamSid");
    if (!json_is(sid, last, k->stream_sid)) N.wrong_stream++;
    if (json_is(event, last, "media")) {
        const char *payload = JSON_VALUE(p, f->n, "payload");
        const char *stop = payload && *payload == '"' ? memchr(payload + 1, '"', (size_t)(last - payload - 1)) : NULL;
        static unsigned char audio[IN_LIMIT];
        long n = stop ? b64_decode(audio, payload + 1, (size_t)(stop - payload - 1)) : -1;
        if (n < 0) {
            N.bad_messages++;
            return;
        }
        k->play_until = (k->play_until > now ? k->play_until : now) + (uint64_t)n * 125;
        receiver_feed(&k->heard, audio, (size_t)n, FROM_AGENT, k, call_heard, now);
    } else if (json_is(event, last, "clear")) call_takes_clear(k, now);
    else if (json_is(event, last, "mark")) call_takes_mark(k, JSON_VALUE(p, f->n, "name"), last, now);
    else N.bad_messages++;
}

static void call_frames(struct call *k) {
    size_t pos = 0;
    struct ws_in f;
    int more;
    uint64_t now = now_us();
    while ((more = ws_next(&k->c, &pos, &f)) > 0) {
        if (f.opcode == WS_TEXT && f.fin) call_text(k, &f, now);
        else if (f.opcode == WS_PING) ws_send(&k->c, WS_PONG, 1, f.p, f.n);
        else if (f.opcode == WS_CLOSE) return call_ends(k, F_CUT);
        else if (f.opcode != WS_PONG) N.bad_messages++;
        if (k->state != LIVE) return;
    }
    if (more < 0) return call_ends(k, F_PROTOCOL);
    conn_taken(&k->c, pos);
}

static void call_readable(struct call *k) {
    int got = conn_read(&k->c);
    if (k->state == WEBHOOK) return got ? call_reads_twiml(k, got < 0) : (void)0;
    if (got < 0) return call_ends(k, k->state == LIVE ? F_CUT : F_UPGRADE);
    if (k->state == UPGRADE) {
        unsigned char *stop = memmem(k->c.in, k->c.in_len, "\r\n\r\n", 4);
        if (!stop) return k->c.in_len > 16384 ? call_ends(k, F_UPGRADE) : (void)0;
        LAST_STATUS = k->c.in_len > 12 ? atoi((char *)k->c.in + 9) : 0;
        if (LAST_STATUS != 101) return call_ends(k, F_UPGRADE);
        conn_taken(&k->c, (size_t)(stop + 4 - k->c.in));
        call_starts(k);
    }
    if (k->state == LIVE) call_frames(k);
}

/* ---- one run ----------------------------------------------------------------------------------------------- */

static void prepare(int calls, double seconds) {
    uint64_t now = now_us(), ramp = (uint64_t)(calls / RAMP * 1e6);
    memset(&N, 0, sizeof N), memset(FAILED, 0, sizeof FAILED);
    struct delays *all[] = {&UP, &DOWN, &CLEAR, &FIRST, &LATE};
    for (int i = 0; i < 5; i++) memset(all[i], 0, sizeof *all[i]);
    NONCE = (uint32_t)next_random() | 0x80000001u;
    SECONDS = seconds, CALL_COUNT = WAITING_NOW = calls, LIVE_NOW = AGENT_USED = 0, LAST_STATUS = 0;
    AGENT_ROOM = 4 * calls + 64;
    CALLS = calloc((size_t)calls, sizeof *CALLS), AGENTS = calloc((size_t)AGENT_ROOM, sizeof *AGENTS);
    STEADY_FROM = now + ramp + (uint64_t)(SETTLE * 1e6), STEADY_UNTIL = STEADY_FROM + (uint64_t)(seconds * 1e6);
    for (int i = 0; i < calls; i++) {
        struct call *k = &CALLS[i];
        k->id = (uint32_t)i, k->agent = -1, k->c.fd = -1, k->timer.slot = -1, k->timer.fire = call_ticks;
        snprintf(k->call_sid, sizeof k->call_sid, "CA%016llx%016llx", (unsigned long long)next_random(), (unsigned long long)next_random());
        snprintf(k->stream_sid, sizeof k->stream_sid, "MZ%016llx%016llx", (unsigned long long)next_random(), (unsigned long long)next_random());
        snprintf(k->path, sizeof k->path, "%s", STREAM_PATH);
        snprintf(k->url, sizeof k->url, "wss://%s%s", public_host(), STREAM_PATH);
        timer_set(&k->timer, now + (uint64_t)(i / RAMP * 1e6) + next_random() % 5000);
    }
}

static void say_phase(const char *phase) {
    printf("{\"phase\": \"%s\", \"live\": %d}\n", phase, LIVE_NOW);
    fflush(stdout);
}

/* Totals once every call has ended and the agents had a second to follow. 0: not exact, or a socket leaked. */
static int report(void) {
    struct receiver up = {0}, down = {0};
    int leaked = 0, bound = 0;
    for (int i = 0; i < AGENT_USED; i++) {
        struct agent *a = &AGENTS[i];
        struct call *k = a->call >= 0 ? &CALLS[a->call] : NULL;
        if (a->c.fd >= 0) leaked++;
        else if (k && k->ended && a->closed > k->ended + LEAK_US) leaked++;
        if (!k) continue;
        bound++;
        if (!k->failed && ABRUPT <= 0) a->heard.lost += k->sent - a->heard.expected; /* what never came at the end */
        N.crossed += a->heard.foreign;
        up.frames += a->heard.frames, up.lost += a->heard.lost, up.repeated += a->heard.repeated, up.corrupt += a->heard.corrupt;
        if (!k->failed && k->agent == i && ABRUPT <= 0) k->heard.lost += a->sent - k->heard.expected;
    }
    for (int i = 0; i < CALL_COUNT; i++) {
        struct receiver *r = &CALLS[i].heard;
        N.crossed += r->foreign;
        down.frames += r->frames, down.lost += r->lost, down.repeated += r->repeated, down.corrupt += r->corrupt;
    }
    uint64_t failed = (uint64_t)CALL_COUNT - FAILED[OK];
    int exact = !failed && bound == CALL_COUNT && up.frames && down.frames &&
                !(up.lost | up.repeated | up.corrupt | down.lost | down.repeated | down.corrupt) && !N.crossed &&
                !N.wrong_stream && !N.bad_messages && !N.clears_late && !N.clears_missed;
    printf("{\"phase\": \"result\", \"calls\": %d, \"seconds\": %.3f, \"exact\": %s, \"failed\": %llu, \"leaked_agent_sockets\": %d, "
           "\"agent_sockets\": %d, \"agent_sockets_without_call\": %d", CALL_COUNT, SECONDS, exact ? "true" : "false",
           (unsigned long long)failed, leaked, AGENT_USED, AGENT_USED - bound);
    printf(", \"failures\": {");
    for (int i = 1, some = 0; i < FAILURES; i++)
        if (FAILED[i]) printf("%s\"%s\": %llu", some++ ? ", " : "", FAILURE[i], (unsigned long long)FAILED[i]);
    printf("}, \"last_http_status\": %d", LAST_STATUS);
    printf(", \"up\": {\"frames\": %u, \"lost\": %u, \"repeated\": %u, \"corrupt\": %u, \"before_agent_ready\": %llu}", up.frames, up.lost,
           up.repeated, up.corrupt, (unsigned long long)N.preroll);
    printf(", \"down\": {\"frames\": %u, \"lost\": %u, \"repeated\": %u, \"corrupt\": %u, \"held_until_start\": %llu}", down.frames, down.lost,
           down.repeated, down.corrupt, (unsigned long long)N.held);
    printf(", \"crossed\": %llu, \"wrong_stream_sid\": %llu, \"bad_messages\": %llu, \"agents_without_key\": %llu", (unsigned long long)N.crossed,
           (unsigned long long)N.wrong_stream, (unsigned long long)N.bad_messages, (unsigned long long)N.unkeyed);
    printf(", \"clears\": {\"due\": %llu, \"missed\": %llu, \"late\": %llu}, \"marks\": {\"received\": %llu, \"returned\": %llu, \"dropped\": %llu}",
           (unsigned long long)N.clears_due, (unsigned long long)N.clears_missed, (unsigned long long)N.clears_late,
           (unsigned long long)N.marks, (unsigned long long)N.marks_returned, (unsigned long long)N.marks_dropped);
    delays_print("up_delay", &UP), delays_print("down_delay", &DOWN), delays_print("clear_round_trip", &CLEAR);
    delays_print("first_audio", &FIRST), delays_print("load_lateness", &LATE);
    printf("}\n");
    fflush(stdout);
    return exact && !leaked;
}

static void dispatch(struct conn *c, uint32_t what) {
    if (c->kind == LISTEN) agent_accept(c->fd);
    else if (c->fd >= 0) {
        int broken = what & EPOLLOUT && conn_flush(c) < 0;
        if (c->kind == AGENT) broken ? agent_gone((struct agent *)c) : what & ~EPOLLOUT ? agent_readable((struct agent *)c) : (void)0;
        else if (broken) call_ends((struct call *)c, F_CONNECT);
        else if (what & ~EPOLLOUT) call_readable((struct call *)c);
    }
}

static void turn_loop(void) {
    struct epoll_event events[256];
    int n = wait_events(events, 256);
    for (int i = 0; i < n; i++) dispatch(events[i].data.ptr, events[i].events);
    for (uint64_t now = now_us(); HEAP_LEN && HEAP[0]->at <= now;) {
        struct timer *t = HEAP[0];
        timer_stop(t);
        t->fire(t);
    }
}

static int run(int calls, double seconds) {
    prepare(calls, seconds);
    int steady = 0, tail = 0;
    for (LAST_END = 0;;) {
        turn_loop();
        uint64_t now = now_us();
        if (!steady && now >= STEADY_FROM) steady = 1, say_phase("steady");
        if (!tail && now >= STEADY_UNTIL) tail = 1, say_phase("tail");
        if (LIVE_NOW + WAITING_NOW) continue;
        if (!LAST_END) LAST_END = now;
        if (now > LAST_END + LEAK_US + 200000) break;
    }
    int good = report();
    for (int i = 0; i < AGENT_USED; i++) agent_gone(&AGENTS[i]);
    free(CALLS), free(AGENTS);
    CALL_COUNT = AGENT_USED = AGENT_ROOM = 0;
    return good;
}

/* Between two runs sockets may come (a server's probe at its start): the agent must answer, and commands are read. */
static int serve_commands(void) {
    char line[128];
    size_t len = 0;
    int calls, exact = 1;
    double seconds;
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
    for (;;) {
        if (!AGENTS) AGENT_ROOM = 64, AGENTS = calloc(64, sizeof *AGENTS), AGENT_USED = 0;
        turn_loop();
        ssize_t n = read(0, line + len, sizeof line - 1 - len);
        if (n == 0) return exact;
        if (n < 0) continue;
        line[len += (size_t)n] = 0;
        if (!strchr(line, '\n')) {
            if (len == sizeof line - 1) return 0;
            continue;
        }
        len = 0;
        if (sscanf(line, "run %d %lf", &calls, &seconds) != 2 || calls < 1 || calls > 20000) continue;
        for (int i = 0; i < AGENT_USED; i++) agent_gone(&AGENTS[i]);
        free(AGENTS);
        exact &= run(calls, seconds);
        AGENTS = NULL;
    }
}

/* Wait until somebody listens at the target. 0: nobody did within half a minute. */
static int target_listens(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)TARGET)};
    inet_pton(AF_INET, HOST, &to.sin_addr);
    for (uint64_t until = now_us() + 30000000u; now_us() < until; turn_loop()) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), there = !connect(fd, (struct sockaddr *)&to, sizeof to);
        close(fd);
        if (there) return 1;
    }
    return 0;
}

static void usage(const char *what) { fprintf(stderr, "load: %s; see the top of load.c\n", what), exit(2); }

static void read_options(int argc, char **argv) {
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (!v) usage("an option lacks its value");
        if (!strcmp(name, "--target")) sscanf(v, "%63[^:]:%d", HOST, &TARGET);
        else if (!strcmp(name, "--calls")) WANT_CALLS = atoi(v);
        else if (!strcmp(name, "--seconds")) SECONDS = atof(v);
        else if (!strcmp(name, "--webhook")) snprintf(WEBHOOK_PATH, sizeof WEBHOOK_PATH, "%s", v);
        else if (!strcmp(name, "--stream")) snprintf(STREAM_PATH, sizeof STREAM_PATH, "%s", v);
        else if (!strcmp(name, "--public")) snprintf(PUBLIC, sizeof PUBLIC, "%s", v);
        else if (!strcmp(name, "--account")) snprintf(ACCOUNT, sizeof ACCOUNT, "%s", v);
        else if (!strcmp(name, "--agent-port")) AGENT_PORT = atoi(v);
        else if (!strcmp(name, "--agent")) BURST = !strcmp(v, "burst");
        else if (!strcmp(name, "--ramp")) RAMP = atof(v);
        else if (!strcmp(name, "--barge")) BARGE = atof(v);
        else if (!strcmp(name, "--shortest")) SHORTEST = atof(v);
        else if (!strcmp(name, "--settle")) SETTLE = atof(v);
        else if (!strcmp(name, "--abrupt")) ABRUPT = atof(v);
        else usage("unknown option");
    }
    if (!strcmp(HOST, "localhost")) strcpy(HOST, "127.0.0.1");
    if (!TARGET || strncmp(HOST, "127.", 4)) usage("--target 127.0.0.1:PORT is needed: load goes to this machine only");
    if (!PUBLIC[0]) snprintf(PUBLIC, sizeof PUBLIC, "https://%s:%d", HOST, TARGET);
    if (RAMP < 0.1 || BARGE < 0.5 || SECONDS <= 0 || SECONDS > 7000 || WANT_CALLS > 20000) usage("a number is out of range");
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    b64_init();
    signal(SIGPIPE, SIG_IGN);
    RANDOM ^= now_us() << 20 ^ (uint64_t)getpid();
    EPOLL = epoll_create1(EPOLL_CLOEXEC);
    prctl(PR_SET_TIMERSLACK, 1000); /* wake within a microsecond of a frame's time, not within fifty */
    struct conn door = {.fd = listen_on("127.0.0.1", AGENT_PORT), .kind = LISTEN};
    conn_watch(&door, EPOLL_CTL_ADD);
    printf("{\"phase\": \"listening\", \"agent_port\": %d}\n", port_of(door.fd));
    fflush(stdout);
    if (WANT_CALLS && !target_listens()) usage("nobody listens at the target");
    if (WANT_CALLS) return run(WANT_CALLS, SECONDS) ? 0 : 1;
    return serve_commands() ? 0 : 1;
}
