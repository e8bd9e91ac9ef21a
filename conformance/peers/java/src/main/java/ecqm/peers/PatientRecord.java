package ecqm.peers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hl7.fhir.r4.model.Base;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CanonicalType;
import org.hl7.fhir.r4.model.CodeableConcept;
import org.hl7.fhir.r4.model.Coding;
import org.hl7.fhir.r4.model.Property;
import org.hl7.fhir.r4.model.Resource;
import org.opencds.cqf.cql.engine.retrieve.RetrieveProvider;
import org.opencds.cqf.cql.engine.runtime.Code;
import org.opencds.cqf.cql.engine.runtime.Interval;

/**
 * The resources of one patient. Retrieves find the resources that declare the profile or one derived from it; all
 * resources of the type for its base definition, and every Patient.
 */
final class PatientRecord implements RetrieveProvider {
    private final List<Resource> resources = new ArrayList<>();
    private final ValueSets valueSets;
    private final Map<String, Set<String>> derived;

    PatientRecord(Bundle bundle, ValueSets valueSets, Map<String, Set<String>> derived) {
        bundle.getEntry().forEach(entry -> resources.add(entry.getResource()));
        this.valueSets = valueSets;
        this.derived = derived;
    }

    String patientId() {
        return resources.stream().filter(r -> r.fhirType().equals("Patient")).findFirst().orElseThrow().getIdPart();
    }

    @Override
    public Iterable<Object> retrieve(String context, String contextPath, Object contextValue, String dataType,
            String templateId, String codePath, Iterable<Code> codes, String valueSet, String datePath,
            String dateLowPath, String dateHighPath, Interval dateRange) {
        if (dateRange != null) throw new UnsupportedOperationException("retrieve by date range");
        List<Object> found = new ArrayList<>();
        for (Resource resource : resources) {
            if (!resource.fhirType().equals(dataType) || !hasProfile(resource, templateId)) continue;
            if (codes == null && valueSet == null || hasCode(resource, codePath, codes, valueSet)) found.add(resource);
        }
        return found;
    }

    private boolean hasProfile(Resource resource, String profile) {
        String type = resource.fhirType();
        if (profile == null || type.equals("Patient") || profile.endsWith("/" + type)) return true;
        Set<String> accepted = derived.getOrDefault(profile, Set.of(profile));
        for (CanonicalType declared : resource.getMeta().getProfile()) {
            if (declared.getValue() != null && accepted.contains(ValueSets.withoutVersion(declared.getValue().strip()))) return true;
        }
        return false;
    }

    private boolean hasCode(Resource resource, String path, Iterable<Code> codes, String valueSet) {
        Property property = resource.getNamedProperty(path);
        if (property == null) throw new IllegalArgumentException("no element " + path + " in " + resource.fhirType());
        for (Base value : property.getValues()) {
            for (Coding coding : codings(value)) {
                if (valueSet != null && valueSets.has(valueSet, coding.getSystem(), coding.getCode())) return true;
                if (valueSet == null && listed(codes, coding)) return true;
            }
        }
        return false;
    }

    private static List<Coding> codings(Base value) {
        if (value instanceof CodeableConcept concept) return concept.getCoding();
        if (value instanceof Coding coding) return List.of(coding);
        if (value.isPrimitive()) return List.of(new Coding(null, value.primitiveValue(), null));
        return List.of();
    }

    private static boolean listed(Iterable<Code> codes, Coding coding) {
        for (Code code : codes) {
            boolean same = code.getCode() != null && code.getCode().equals(coding.getCode());
            if (same && (code.getSystem() == null || code.getSystem().equals(coding.getSystem()))) return true;
        }
        return false;
    }
}
