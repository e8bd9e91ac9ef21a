package ecqm.peers;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.opencds.cqf.cql.engine.runtime.Code;
import org.opencds.cqf.cql.engine.terminology.CodeSystemInfo;
import org.opencds.cqf.cql.engine.terminology.TerminologyProvider;
import org.opencds.cqf.cql.engine.terminology.ValueSetInfo;

/** Value sets with complete expansions: {"url": [["system", "code"], …]}. */
final class ValueSets implements TerminologyProvider {
    private final Map<String, List<Code>> codes = new HashMap<>();
    private final Map<String, Set<String>> members = new HashMap<>();

    ValueSets(JsonNode expansions) {
        expansions.fields().forEachRemaining(entry -> {
            List<Code> listed = new ArrayList<>();
            Set<String> keys = new HashSet<>();
            for (JsonNode pair : entry.getValue()) {
                listed.add(new Code().withSystem(pair.get(0).asText()).withCode(pair.get(1).asText()));
                keys.add(key(pair.get(0).asText(), pair.get(1).asText()));
            }
            codes.put(entry.getKey(), listed);
            members.put(entry.getKey(), keys);
        });
    }

    boolean has(String url, String system, String code) {
        Set<String> keys = members.get(withoutVersion(url));
        if (keys == null) throw new IllegalArgumentException("no value set " + url);
        return keys.contains(key(system, code));
    }

    @Override
    public boolean in(Code code, ValueSetInfo valueSet) {
        return has(valueSet.getId(), code.getSystem(), code.getCode());
    }

    @Override
    public Iterable<Code> expand(ValueSetInfo valueSet) {
        return codes.get(withoutVersion(valueSet.getId()));
    }

    @Override
    public Code lookup(Code code, CodeSystemInfo codeSystem) {
        return code;
    }

    static String withoutVersion(String url) {
        int bar = url.indexOf('|');
        return bar < 0 ? url : url.substring(0, bar);
    }

    private static String key(String system, String code) {
        return system + "|" + code;
    }
}
