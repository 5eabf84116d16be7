# What Varnish's own documentation advises for ESI; `make bench` fills in the address.
vcl 4.1;

backend default {{
    .host = "{host}";
    .port = "{port}";
}}

sub vcl_recv {{
    # pages are everybody's, parts a visitor's own; the rest is for the origin
    if (req.url ~ "^/(page|personal|slow|part)/") {{
        set req.http.X-Visitor = regsub(req.http.Cookie, "^.*sessionid=([^;]*).*$", "\1");
        return (hash);
    }}
    return (pass);
}}

sub vcl_hash {{
    hash_data(req.url);
    if (req.url ~ "^/part/") {{
        hash_data(req.http.X-Visitor);
    }}
    return (lookup);
}}

sub vcl_backend_response {{
    unset beresp.http.Vary;
    if (bereq.url ~ "^/(personal|slow)/") {{
        set beresp.do_esi = true;
    }}
    if ({gzip} && bereq.url ~ "^/(page|personal|part)/") {{
        set beresp.do_gzip = true;
    }}
}}

sub vcl_deliver {{
    set resp.http.X-Cache-Hits = obj.hits;
}}
