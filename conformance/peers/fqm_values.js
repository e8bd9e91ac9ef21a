// What fqm-execution makes of each patient: populations, strata and observations, and the value of every definition.
//   node fqm_values.js FQM_FOLDER MEASURE_BUNDLE PATIENTS_NDJSON START END
// Prints a line of JSON per patient: {"groups": […], "values": {"Library": {"Definition": value}}}, or {"error": "…"}.
const fs = require('fs');

const [folder, measureFile, patientsFile, start, end] = process.argv.slice(2);
const { Calculator } = require(folder);
const measure = JSON.parse(fs.readFileSync(measureFile));
const options = {
  measurementPeriodStart: start,
  measurementPeriodEnd: end,
  trustMetaProfile: true,
  calculateHTML: false,
  calculateSDEs: true,
  calculateClauseCoverage: false,
  useElmJsonsCaching: true,
};

const plain = require('./plain_values')(value => {
  const json = value._json || value.json;
  if (json && json.resourceType) return `${json.resourceType}/${json.id}`;
  // Elements of FHIR other than resources: which of their parts are read differs from engine to engine.
  if (value.getTypeInfo || value.typeHierarchy || value._typeHierarchy || json !== undefined) return 'element';
});

const counted = populations =>
  populations.map(p => ({
    type: p.populationType,
    result: p.result,
    observations: (p.observations || []).map(plain),
  }));
const strata = stratifiers => (stratifiers || []).map(s => ({ result: s.result }));

function answer(result) {
  const values = {};
  for (const group of result.detailedResults) {
    for (const statement of group.statementResults) {
      if (statement.raw === undefined) continue;
      (values[statement.libraryName] = values[statement.libraryName] || {})[statement.statementName] = plain(statement.raw);
    }
  }
  const groups = result.detailedResults.map(group => ({
    populations: counted(group.populationResults),
    strata: strata(group.stratifierResults),
    episodes: group.episodeResults && group.episodeResults.map(episode => ({
      populations: counted(episode.populationResults),
      strata: strata(episode.stratifierResults),
    })),
  }));
  return { groups, values };
}

// Setting up costs as much as some patients, so that they come together; one that fails must not take the others with it.
const TOGETHER = 40;

async function answers(bundles) {
  try {
    const { results } = await Calculator.calculate(measure, bundles, { ...options });
    const byPatient = new Map(results.map(result => [result.patientId, result]));
    return bundles.map(bundle => answer(byPatient.get(patientId(bundle))));
  } catch (error) {
    if (bundles.length === 1) return [{ error: told(error) }];
    const middle = bundles.length >> 1;
    return [...(await answers(bundles.slice(0, middle))), ...(await answers(bundles.slice(middle)))];
  }
}

// An error of cql-execution says in its cause what went wrong, and where.
const told = error => {
  const first = each => String(each && each.message).split('\n')[0].replace(/^The following error.*engine: /, '');
  const place = error.expressionName ? `${error.libraryName}.${error.expressionName}: ` : '';
  return place + first(error.cause || error);
};

const patientId = bundle => bundle.entry.map(entry => entry.resource).find(r => r.resourceType === 'Patient').id;

(async () => {
  console.log = console.info = console.warn = () => {};
  const bundles = fs.readFileSync(patientsFile, 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
  for (let at = 0; at < bundles.length; at += TOGETHER) {
    for (const answered of await answers(bundles.slice(at, at + TOGETHER))) {
      process.stdout.write(JSON.stringify(answered) + '\n');
    }
  }
})();
