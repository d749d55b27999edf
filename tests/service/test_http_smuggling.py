# SPDX-License-Identifier: Apache-2.0
"""What two parsers could read in two ways is refused with 400 and the end of the connection; nothing behind it is read."""
import pytest

from support.http_echo import Echo

NEXT = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def echo(home):
    made = Echo(home)
    yield made
    made.stop()


def post(*fields, body=b"", line=b"POST /echo HTTP/1.1", host=b"Host: x\r\n"):
    return line + b"\r\n" + host + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


CL5 = b"Content-Length: 5"
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

HEADS = {
    "length_and_coding": post(CL5, CHUNKED, body=CHUNKS),
    "coding_and_length": post(CHUNKED, CL5, body=CHUNKS),
    "two_lengths_differ": post(CL5, b"Content-Length: 6", body=b"hello"),
    "two_lengths_same": post(CL5, CL5, body=b"hello"),
    "length_list": post(b"Content-Length: 5, 5", body=b"hello"),
    "length_plus": post(b"Content-Length: +5", body=b"hello"),
    "length_minus": post(b"Content-Length: -5", body=b"hello"),
    "length_blank_inside": post(b"Content-Length: 5 0", body=b"hello"),
    "length_hex": post(b"Content-Length: 0x5", body=b"hello"),
    "length_empty": post(b"Content-Length:", body=b"hello"),
    "length_fraction": post(b"Content-Length: 5.0", body=b"hello"),
    "length_huge": post(b"Content-Length: 18446744073709551621", body=b"hello"),
    "length_over_63_bits": post(b"Content-Length: 9223372036854775808", body=b"hello"),
    "length_control_byte": post(b"Content-Length: \x0b5", body=b"hello"),
    "coding_other": post(b"Transfer-Encoding: identity", body=CHUNKS),
    "coding_gzip_chunked": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
    "coding_chunked_gzip": post(b"Transfer-Encoding: chunked, gzip", body=CHUNKS),
    "coding_chunked_twice": post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS),
    "coding_two_fields": post(CHUNKED, CHUNKED, body=CHUNKS),
    "coding_quoted": post(b'Transfer-Encoding: "chunked"', body=CHUNKS),
    "coding_parameter": post(b"Transfer-Encoding: chunked;q=1", body=CHUNKS),
    "coding_prefix": post(b"Transfer-Encoding: xchunked", body=CHUNKS),
    "coding_vertical_tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "coding_empty": post(b"Transfer-Encoding:", body=CHUNKS),
    "coding_comma": post(b"Transfer-Encoding: ,chunked", body=CHUNKS),
    "coding_on_1_0": post(CHUNKED, body=CHUNKS, line=b"POST /echo HTTP/1.0"),
    "host_missing": post(host=b""),
    "host_repeated": post(b"Host: x"),
    "host_repeated_other": post(b"Host: y"),
    "host_empty": post(host=b"Host:\r\n"),
    "host_path": post(host=b"Host: x/y\r\n"),
    "host_user": post(host=b"Host: a@b\r\n"),
    "host_blank": post(host=b"Host: a b\r\n"),
    "host_list": post(host=b"Host: a, b\r\n"),
    "host_repeated_on_1_0": post(b"Host: y", line=b"GET / HTTP/1.0"),
    "upgrade": post(b"Connection: Upgrade", b"Upgrade: websocket"),
    "upgrade_h2c": post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA"),
    "connect": b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
    "connect_path": b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n",
    "folded": post(b"X-Folded: a", b" b"),
    "folded_tab": post(b"X-Folded: a", b"\tb"),
    "folded_coding": post(b"Transfer-Encoding:", b" chunked", body=CHUNKS),
    "folded_first": post(host=b" Host: x\r\n"),
    "name_blank_colon": post(b"Content-Length : 5", body=b"hello"),
    "name_tab_colon": post(b"Transfer-Encoding\t: chunked", body=CHUNKS),
    "name_blank_inside": post(b"Content Length: 5", body=b"hello"),
    "name_empty": post(b": x"),
    "name_quote": post(b'X"Y: x'),
    "name_nul": post(b"X\x00Y: x"),
    "name_high": post(b"X\xffY: x"),
    "no_colon": post(b"Content-Length"),
    "value_nul": post(b"X-A: a\x00b"),
    "value_escape": post(b"X-A: a\x1bb"),
    "value_delete": post(b"X-A: a\x7fb"),
    "value_bare_cr": post(b"X-A: a\rContent-Length: 5", body=b"hello"),
    "value_bare_lf": post(b"X-A: a\nContent-Length: 5", body=b"hello"),
    "lf_lines": post(CL5, body=b"hello").replace(b"\r\n", b"\n"),
    "lf_after_line": b"GET / HTTP/1.1\nHost: x\r\n\r\n",
    "lf_empty_line": b"GET / HTTP/1.1\r\nHost: x\r\n\n",
    "cr_empty_line": b"GET / HTTP/1.1\r\nHost: x\r\n\rX",
    "cr_cr_lf": b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
    "lf_before": b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "empty_lines": b"\r\n" * 5 + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "line_two_blanks": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "line_blank_behind": b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    "line_blank_before": b" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "line_tab": b"GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "line_no_version": b"GET /\r\nHost: x\r\n\r\n",
    "line_lower_case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "line_unknown_method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "version_0_9": b"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
    "version_1_2": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "version_2_0": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version_long": b"GET / HTTP/1.10\r\nHost: x\r\n\r\n",
    "version_rtsp": b"DESCRIBE / RTSP/1.0\r\nHost: x\r\n\r\n",
    "version_ice": b"SOURCE / ICE/1.0\r\nHost: x\r\n\r\n",
    "target_high_byte": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_control": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_nul": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_fragment": b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_encoded_slash": b"GET /a%2fb HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_encoded_nul": b"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_broken_escape": b"GET /a%2 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_not_utf8": b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_star_get": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_authority": b"GET x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_other_scheme": b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_no_host": b"GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n",
    "target_user": b"GET http://a@b/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("case", sorted(HEADS))
def test_head_is_refused(echo, case):
    with echo.connect() as raw:
        raw.send(HEADS[case] + NEXT)
        answer = raw.answer()
        assert answer.status == 400
        assert answer.get("Connection") == "close"
        assert answer.body == b"bad_request"
        assert raw.is_ended(), "something was answered behind a refusal"


BODIES = {
    "no_crlf_after_chunk": b"5\r\nhelloXX0\r\n\r\n",
    "lf_after_chunk": b"5\r\nhello\n0\r\n\r\n",
    "cr_after_chunk": b"5\r\nhello\rX0\r\n\r\n",
    "chunk_longer_than_said": b"5\r\nhello!\r\n0\r\n\r\n",
    "lf_after_size": b"5\nhello\r\n0\r\n\r\n",
    "cr_cr_after_size": b"5\r\rhello\r\n0\r\n\r\n",
    "size_empty": b"\r\nhello\r\n0\r\n\r\n",
    "size_blank_before": b" 5\r\nhello\r\n0\r\n\r\n",
    "size_blank_behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "size_plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size_minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size_hex_prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size_underscore": b"5_\r\nhello\r\n0\r\n\r\n",
    "size_overflow": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size_zeros": b"0" * 64 + b"5\r\nhello\r\n0\r\n\r\n",
    "size_over_63_bits": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "extension_lf": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "extension_cr": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "extension_nul": b"5;a\x00b\r\nhello\r\n0\r\n\r\n",
    "extension_huge": b"5;" + b"a" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    "extensions_many": b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 200 + b"0\r\n\r\n",
    "trailer_lf": b"5\r\nhello\r\n0\r\nX: y\n\r\n",
    "trailer_folded": b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
    "trailer_no_colon": b"5\r\nhello\r\n0\r\nX\r\n\r\n",
    "trailer_blank_colon": b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
    "trailer_nul": b"5\r\nhello\r\n0\r\nX: \x00\r\n\r\n",
    "trailers_huge": b"5\r\nhello\r\n0\r\n" + b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 200 + b"\r\n",
    "end_lf": b"5\r\nhello\r\n0\r\n\n",
    "end_cr": b"5\r\nhello\r\n0\r\n\rX",
}


@pytest.mark.parametrize("case", sorted(BODIES))
@pytest.mark.parametrize("is_bytewise", [False, True], ids=["at_once", "bytewise"])
def test_chunked_body_is_refused(echo, case, is_bytewise):
    with echo.connect() as raw:
        data = post(CHUNKED, body=BODIES[case]) + NEXT
        (raw.send_bytewise if is_bytewise else raw.send)(data)
        answer = raw.answer()
        assert answer.status == 400
        assert answer.get("Connection") == "close"
        assert raw.is_ended(), "something was answered behind a refusal"


def test_accepted_chunks(echo):
    """What the grammar does allow, so that the refusals above are no accident."""
    body = b"5;a=b;c=\"d\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Trailer: y\r\nContent-Length: 99\r\n\r\n"
    with echo.connect() as raw:
        raw.send(post(b"transfer-encoding: CHUNKED", body=body) + NEXT)
        assert raw.answer().body == b"hello0123456789"
        shown = raw.answer()
        assert shown.status == 200 and b"/smuggled" in shown.body


def test_length_at_the_edge(echo):
    """The largest length that can be said is refused as a body, not as a head."""
    answer = echo.ask(post(b"Content-Length: 9223372036854775807", body=b"hello"))
    assert answer.status == 413
    assert answer.get("Connection") == "close"


def test_answer_header_cannot_be_split(echo):
    """The echo sets X-Split to a value with CRLF in it: the field is dropped, the rest stays."""
    answer = echo.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.get("X-Split") is None and answer.get("X-Evil") is None
    assert answer.get("X-Shown") == "yes"
