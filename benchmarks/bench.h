/* What relay.c and load.c share: SHA-1, base64, WebSocket framing (RFC 6455), one buffered non-blocking socket.
 * Not a library: no TLS, no compression, loopback speed only. Linux (epoll). */
#ifndef OFFHOOK_BENCH_H
#define OFFHOOK_BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 160, FRAME_B64 = 216, IN_LIMIT = 1 << 20, OUT_LIMIT = 1 << 18 };
enum { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

static inline uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- SHA-1 and HMAC-SHA1 (FIPS 180-4, RFC 2104) ------------------------------------------------------------ */

static inline uint32_t rol(uint32_t v, int n) { return v << n | v >> (32 - n); }

static void sha1_block(uint32_t s[5], const unsigned char *p) {
    uint32_t w[80], a = s[0], b = s[1], c = s[2], d = s[3], e = s[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f, k;
        if (i < 20) f = (b & c) | (~b & d), k = 0x5A827999;
        else if (i < 40) f = b ^ c ^ d, k = 0x6ED9EBA1;
        else if (i < 60) f = (b & c) | (b & d) | (c & d), k = 0x8F1BBCDC;
        else f = b ^ c ^ d, k = 0xCA62C1D6;
        uint32_t t = rol(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rol(b, 30), b = a, a = t;
    }
    s[0] += a, s[1] += b, s[2] += c, s[3] += d, s[4] += e;
}

/* SHA-1 of `head` then `body`; two parts because HMAC needs exactly that. */
static void sha1(const unsigned char *head, size_t nh, const unsigned char *body, size_t nb, unsigned char out[20]) {
    uint32_t s[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    unsigned char block[64];
    size_t fill = 0, total = nh + nb;
    for (size_t i = 0; i < total; i++) {
        block[fill++] = i < nh ? head[i] : body[i - nh];
        if (fill == 64) sha1_block(s, block), fill = 0;
    }
    block[fill++] = 0x80;
    if (fill > 56) {
        memset(block + fill, 0, 64 - fill);
        sha1_block(s, block);
        fill = 0;
    }
    memset(block + fill, 0, 56 - fill);
    for (int i = 0; i < 8; i++) block[56 + i] = (unsigned char)((uint64_t)total * 8 >> (56 - 8 * i));
    sha1_block(s, block);
    for (int i = 0; i < 20; i++) out[i] = (unsigned char)(s[i / 4] >> (24 - 8 * (i % 4)));
}

static inline void hmac_sha1(const char *key, const char *text, size_t n, unsigned char out[20]) {
    unsigned char k[64] = {0}, pad[64], inner[20];
    size_t nk = strlen(key);
    if (nk > 64) sha1((const unsigned char *)key, nk, NULL, 0, k);
    else memcpy(k, key, nk);
    for (int i = 0; i < 64; i++) pad[i] = k[i] ^ 0x36;
    sha1(pad, 64, (const unsigned char *)text, n, inner);
    for (int i = 0; i < 64; i++) pad[i] = k[i] ^ 0x5c;
    sha1(pad, 64, inner, 20, out);
}

/* ---- base64 ------------------------------------------------------------------------------------------------ */

static const char B64[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static signed char B64_BACK[256];

static inline void b64_init(void) {
    memset(B64_BACK, -1, sizeof B64_BACK);
    for (int i = 0; i < 64; i++) B64_BACK[(unsigned char)B64[i]] = (signed char)i;
}

static inline size_t b64_encode(char *to, const unsigned char *p, size_t n) {
    char *o = to;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *o++ = B64[v >> 18], *o++ = B64[v >> 12 & 63], *o++ = B64[v >> 6 & 63], *o++ = B64[v & 63];
    }
    if (n) {
        uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);
        *o++ = B64[v >> 18], *o++ = B64[v >> 12 & 63], *o++ = n == 2 ? B64[v >> 6 & 63] : '=', *o++ = '=';
    }
    return (size_t)(o - to);
}

/* Decode; a JSON-escaped slash is accepted. Returns the length, or -1 for anything that is not base64. */
static inline long b64_decode(unsigned char *to, const char *p, size_t n) {
    unsigned char *o = to;
    uint32_t v = 0;
    int have = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '=') {
            for (size_t j = i; j < n; j++)
                if (p[j] != '=') return -1;
            break;
        }
        if (p[i] == '\\' && i + 1 < n && p[i + 1] == '/') i++;
        int six = B64_BACK[(unsigned char)p[i]];
        if (six < 0) return -1;
        v = v << 6 | (uint32_t)six;
        if (++have == 4) *o++ = (unsigned char)(v >> 16), *o++ = (unsigned char)(v >> 8), *o++ = (unsigned char)v, have = 0, v = 0;
    }
    if (have == 1) return -1;
    if (have == 2) *o++ = (unsigned char)(v >> 4);
    if (have == 3) *o++ = (unsigned char)(v >> 10), *o++ = (unsigned char)(v >> 2);
    return o - to;
}

/* ---- a socket with two bounded buffers --------------------------------------------------------------------- */

struct conn {
    int fd, kind, wants_write, closing;
    unsigned char *in, *out;
    size_t in_len, in_cap, out_len, out_cap;
};

static int EPOLL = -1;

static inline void conn_watch(struct conn *c, int op) {
    struct epoll_event e = {.events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(EPOLL, op, c->fd, &e);
}

static inline void conn_open(struct conn *c, int fd, int kind) {
    int one = 1;
    c->fd = fd, c->kind = kind, c->wants_write = 0, c->closing = 0;
    c->in_len = c->out_len = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn_watch(c, EPOLL_CTL_ADD);
}

static inline void conn_close(struct conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    free(c->in), free(c->out);
    c->in = c->out = NULL;
    c->in_len = c->in_cap = c->out_len = c->out_cap = 0;
}

static inline void conn_reset(struct conn *c) { /* RST instead of FIN */
    struct linger now = {1, 0};
    if (c->fd >= 0) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    conn_close(c);
}

/* Read what is there. 1: got something, 0: nothing now, -1: the peer is gone or sent more than IN_LIMIT. */
static inline int conn_read(struct conn *c) {
    if (c->in_cap - c->in_len < 4096) {
        size_t cap = c->in_cap ? c->in_cap * 2 : 16384;
        if (cap > IN_LIMIT) return -1;
        unsigned char *bigger = realloc(c->in, cap);
        if (!bigger) return -1;
        c->in = bigger, c->in_cap = cap;
    }
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
    if (n > 0) {
        c->in_len += (size_t)n;
        return 1;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static inline void conn_taken(struct conn *c, size_t n) {
    memmove(c->in, c->in + n, c->in_len - n);
    c->in_len -= n;
}

static inline int conn_flush(struct conn *c) {
    while (c->out_len) {
        ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
        memmove(c->out, c->out + n, c->out_len - (size_t)n);
        c->out_len -= (size_t)n;
    }
    if (c->wants_write) c->wants_write = 0, conn_watch(c, EPOLL_CTL_MOD);
    return 0;
}

/* Write now, keep the rest up to OUT_LIMIT. -1: gone, or the peer does not read. */
static inline int conn_send(struct conn *c, const void *p, size_t n) {
    if (c->fd < 0) return -1;
    if (!c->out_len) {
        ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL);
        if (done == (ssize_t)n) return 0;
        if (done < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) return -1;
        if (done > 0) p = (const char *)p + done, n -= (size_t)done;
    }
    if (c->out_len + n > OUT_LIMIT) return -1;
    if (c->out_len + n > c->out_cap) {
        size_t cap = c->out_cap ? c->out_cap : 4096;
        while (cap < c->out_len + n) cap *= 2;
        unsigned char *bigger = realloc(c->out, cap);
        if (!bigger) return -1;
        c->out = bigger, c->out_cap = cap;
    }
    memcpy(c->out + c->out_len, p, n);
    c->out_len += n;
    if (!c->wants_write) c->wants_write = 1, conn_watch(c, EPOLL_CTL_MOD);
    return 0;
}

/* ---- WebSocket frames -------------------------------------------------------------------------------------- */

static uint64_t RANDOM = 0x9E3779B97F4A7C15u;

static inline uint64_t next_random(void) { /* xorshift64*: masks, keys, stagger; not for secrets */
    RANDOM ^= RANDOM >> 12, RANDOM ^= RANDOM << 25, RANDOM ^= RANDOM >> 27;
    return RANDOM * 0x2545F4914F6CDD1Du;
}

static inline void apply_mask(unsigned char *p, size_t n, uint32_t mask) {
    uint64_t wide = (uint64_t)mask << 32 | mask, word;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) memcpy(&word, p + i, 8), word ^= wide, memcpy(p + i, &word, 8);
    for (; i < n; i++) p[i] ^= ((unsigned char *)&mask)[i & 3];
}

/* Append one frame to `to` (room for n + 14); masked as a client must. Returns its length. */
static inline size_t ws_frame(unsigned char *to, int opcode, int masked, const void *payload, size_t n) {
    size_t h = 2;
    to[0] = (unsigned char)(0x80 | opcode);
    if (n < 126) to[1] = (unsigned char)n;
    else if (n < 65536) to[1] = 126, to[2] = (unsigned char)(n >> 8), to[3] = (unsigned char)n, h = 4;
    else {
        to[1] = 127, h = 10;
        for (int i = 0; i < 8; i++) to[2 + i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
    }
    uint32_t mask = 0;
    if (masked) mask = (uint32_t)next_random(), to[1] |= 0x80, memcpy(to + h, &mask, 4), h += 4;
    memcpy(to + h, payload, n);
    if (masked) apply_mask(to + h, n, mask);
    return h + n;
}

static inline int ws_send(struct conn *c, int opcode, int masked, const void *payload, size_t n) {
    unsigned char frame[4096 + 14];
    return n > 4096 ? -1 : conn_send(c, frame, ws_frame(frame, opcode, masked, payload, n));
}

struct ws_in {
    int opcode, fin;
    unsigned char *p;
    size_t n;
};

/* The frame at c->in[*pos], unmasked in place. 1: there is one, 0: incomplete, -1: not a frame we take. */
static inline int ws_next(struct conn *c, size_t *pos, struct ws_in *f) {
    unsigned char *p = c->in + *pos;
    size_t left = c->in_len - *pos, h = 2;
    if (left < 2) return 0;
    if (p[0] & 0x70) return -1;
    uint64_t n = p[1] & 0x7f;
    if (n == 126) {
        if (left < 4) return 0;
        n = (uint64_t)p[2] << 8 | p[3], h = 4;
    } else if (n == 127) {
        if (left < 10) return 0;
        n = 0, h = 10;
        for (int i = 0; i < 8; i++) n = n << 8 | p[2 + i];
    }
    int masked = p[1] >> 7;
    if (n > IN_LIMIT / 2) return -1;
    if (left < h + (masked ? 4 : 0) + n) return 0;
    if (masked) {
        uint32_t mask;
        memcpy(&mask, p + h, 4);
        h += 4;
        apply_mask(p + h, n, mask);
    }
    f->opcode = p[0] & 15, f->fin = p[0] >> 7, f->p = p + h, f->n = n;
    *pos += h + n;
    return 1;
}

static inline void ws_accept(const char *key, size_t n, char out[29]) { /* RFC 6455 section 4.2.2 */
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    sha1((const unsigned char *)key, n, (const unsigned char *)magic, 36, digest);
    out[b64_encode(out, digest, 20)] = 0;
}

/* The value of a header in a head that ends with a NUL; its length in *n, NULL where absent. */
static inline const char *header_of(const char *head, const char *name, size_t *n) {
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *v = line + len + 1;
            while (*v == ' ' || *v == '\t') v++;
            const char *end = strstr(v, "\r\n");
            *n = end ? (size_t)(end - v) : strlen(v);
            return v;
        }
    }
    return NULL;
}

/* Answer an upgrade request. -1: it is none. */
static inline int ws_answer(struct conn *c, const char *head) {
    size_t n;
    char accept[29], answer[256];
    const char *key = header_of(head, "Sec-WebSocket-Key", &n);
    if (!key) return -1;
    ws_accept(key, n, accept);
    int len = snprintf(answer, sizeof answer,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    return conn_send(c, answer, (size_t)len);
}

static inline void ws_key(char out[25]) {
    uint64_t raw[2] = {next_random(), next_random()};
    out[b64_encode(out, (unsigned char *)raw, 16)] = 0;
}

/* The text after `"name":` (blanks allowed), NULL where absent. Names used here never occur inside base64. */
static inline const char *json_value(const char *p, size_t n, const char *quoted_name, size_t len) {
    const char *at = memmem(p, n, quoted_name, len), *end = p + n;
    if (!at) return NULL;
    at += len;
    while (at < end && (*at == ' ' || *at == ':')) at++;
    return at < end ? at : NULL;
}
#define JSON_VALUE(p, n, name) json_value((const char *)(p), (n), "\"" name "\"", sizeof(name) + 1)

/* Is the JSON string at `at` exactly `word`? */
static inline int json_is(const char *at, const char *end, const char *word) {
    size_t n = strlen(word);
    return at && at + n + 2 <= end && at[0] == '"' && memcmp(at + 1, word, n) == 0 && at[n + 1] == '"';
}

/* ---- sockets ----------------------------------------------------------------------------------------------- */

static inline int listen_on(const char *host, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1024)) {
        perror("listen");
        exit(2);
    }
    return fd;
}

static inline int port_of(int fd) {
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &n);
    return ntohs(a.sin_port);
}

static inline int dial(const char *host, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1) return -1;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

#endif
