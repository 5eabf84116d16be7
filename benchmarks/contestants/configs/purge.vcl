# Purging in Varnish by what is in every package: PURGE for one URL, bans by header for many.
# `make bench` fills in the address.
vcl 4.1;

backend default {{
    .host = "{host}";
    .port = "{port}";
}}

acl local {{
    "127.0.0.1";
}}

sub vcl_recv {{
    if (req.method == "PURGE" && client.ip ~ local) {{
        return (purge);
    }}
    if (req.method == "BAN" && client.ip ~ local) {{
        # "obj." only: then the ban lurker can work on it too
        ban(req.http.X-Ban);
        return (synth(200, "Banned"));
    }}
}}

sub vcl_backend_response {{
    set beresp.http.X-Url = bereq.url;
}}
