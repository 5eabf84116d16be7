# The storefront behind Varnish, as its users would tune it: pages and shared parts are held, tokens
# are held for their visitor, and what a visitor without a cookie cannot have is asked of nobody.
# `make bench` fills in address and secret.
vcl 4.1;
import std;

backend default {{
    .host = "{host}";
    .port = "{port}";
}}

sub vcl_recv {{
    set req.http.X-TwoPass-Surrogate = "{secret}";
    unset req.http.Surrogate-Capability;
    if (req.method != "GET" && req.method != "HEAD") {{
        return (pass);
    }}
    # the signed addresses of fragments begin with their kind: group_price and recently_seen
    if (req.url ~ "^/_twopass/esi/lAGoZnJhZ21lbnSrZ3JvdXBfcHJpY2W" && req.http.Cookie !~ "(^|; )group=") {{
        return (synth(200));
    }}
    if (req.url ~ "^/_twopass/esi/lAGoZnJhZ21lbnStcmVjZW50bHlfc2Vlb" && req.http.Cookie !~ "(^|; )seen=") {{
        return (synth(200));
    }}
    if (req.url ~ "^/(_twopass/esi/|(en|de)/($|c/|p/|search/|journal/|about/|delivery/))") {{
        return (hash);
    }}
    return (pass);
}}

sub vcl_hash {{
    hash_data(req.url);
    if (req.http.Cookie ~ "(^|; )currency=") {{
        hash_data("currency " + regsub(req.http.Cookie, "^(.*; )?currency=([^;]*).*$", "\2"));
    }}
    if (req.http.Cookie ~ "(^|; )ab_banner=") {{
        hash_data("banner " + regsub(req.http.Cookie, "^(.*; )?ab_banner=([^;]*).*$", "\2"));
    }}
    if (req.http.Cookie ~ "(^|; )consent=") {{
        hash_data("consent " + regsub(req.http.Cookie, "^(.*; )?consent=([^;]*).*$", "\2"));
    }}
    if (req.url ~ "^/_twopass/esi/csrf/") {{
        hash_data(regsub(req.http.Cookie, "^(.*; )?csrftoken=([^;]*).*$", "\2"));
    }}
    return (lookup);
}}

sub vcl_backend_response {{
    unset beresp.http.Vary;
    if (bereq.url ~ "^/_twopass/esi/csrf/" && bereq.http.Cookie ~ "(^|; )csrftoken=") {{
        unset beresp.http.Set-Cookie;
        set beresp.ttl = 1h;
        return (deliver);
    }}
    if (beresp.http.Surrogate-Control !~ "^max-age=" || beresp.status != 200) {{
        # a visitor's own: remembered as such, so that nobody waits for another's
        set beresp.ttl = 1h;
        set beresp.uncacheable = true;
        return (deliver);
    }}
    set beresp.ttl = std.duration(regsub(beresp.http.Surrogate-Control, "^max-age=([0-9]+).*$", "\1s"), 0s);
    if ({esi} && beresp.http.Surrogate-Control ~ "ESI/1.0") {{
        set beresp.do_esi = true;
    }}
    return (deliver);
}}

sub vcl_synth {{
    set resp.body = "";
    return (deliver);
}}

sub vcl_deliver {{
    set resp.http.X-Cache-Hits = obj.hits;
}}
