"""The HTTP cache as pure decisions: RFC 9111 as a shared cache. No I/O, no clock, no framework.

`policy.assess` turns a response into `Facts` once, when it is stored; everything asked on a hit
(`policy.reuse`, `validation.precondition`, `cache_status.hit`) only compares numbers kept there.
"""
