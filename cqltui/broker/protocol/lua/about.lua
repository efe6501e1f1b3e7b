-- ARGV: prefix. The beginning of a whole reading. Returns `run_meta`, and whether there may be tasks without a hash.
return {run_meta(), call('hget', META, 'rows') or ''}
