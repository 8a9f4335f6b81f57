"""What ElastiCache Serverless lets a client do, as rules of an access list."""

from __future__ import annotations

RULES = (
    "+@all -@admin -@dangerous "
    "+info +role +flushall +flushdb +sort +sort_ro +restore +acl|whoami +acl|cat "
    "+cluster|countkeysinslot +cluster|getkeysinslot +cluster|info +cluster|keyslot +cluster|myid +cluster|nodes "
    "+cluster|shards +cluster|slots "
    "-client|caching -client|getredir -client|id -client|info -client|kill -client|list -client|no-evict -client|pause "
    "-client|tracking -client|trackinginfo -client|unblock -client|unpause "
    "-fcall -fcall_ro -function -keys -lastsave -memory -move -object -psubscribe -punsubscribe -swapdb -wait"
)
"""The commands of ElastiCache Serverless (Valkey and Redis OSS), as far as that could be read in 2026-11.

Sources: "Supported and restricted commands", docs.aws.amazon.com/AmazonElastiCache/latest/dg/SupportedCommands.html,
which was read in part, and ClientConfig.RestrictedCommands.html beside it (bgrewriteaof, bgsave, config, debug,
migrate, replicaof, save, slaveof, shutdown, sync); `psubscribe` after spring-data-redis issue 2815. What none of them
settled is forbidden here, as are whole categories, so that what newer servers add for administrators is forbidden too.
AWS calls such a command unknown; an access list answers NOPERM.
"""
