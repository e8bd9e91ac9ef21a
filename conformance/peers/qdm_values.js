// What cqm-execution makes of each patient: populations, episodes, observations, statements, the value of every definition.
//   node qdm_values.js CQM_FOLDER MEASURE.json VALUE_SETS.json PATIENTS_NDJSON MODEL.json
// Prints a line of JSON per patient: {"sets": {…}, "values": {"Library": {"Definition": value}}}. In place of
// the sets, or of a value, there may be {"error": "…"}.
const fs = require('fs');
const path = require('path');

const [folder, measureFile, valueSetsFile, patientsFile, modelFile] = process.argv.slice(2);
const { Calculator } = require(folder);
const { PatientSource, CalculatorHelpers } = {
  PatientSource: require(path.join(folder, 'lib/models/patient_source')),
  CalculatorHelpers: require(path.join(folder, 'lib/helpers/calculator_helpers')),
};
const models = require(path.join(folder, '..', 'cqm-models'));
const cql = models.CQL;

// Examples of the data that a measure asks for are no part of its logic; some are of data types that QDM 5.6 dropped.
const measureText = JSON.stringify({ ...JSON.parse(fs.readFileSync(measureFile, 'utf8')), source_data_criteria: [] });
let valueSets = fs.existsSync(valueSetsFile) ? JSON.parse(fs.readFileSync(valueSetsFile, 'utf8')) : [];
if (!Array.isArray(valueSets)) valueSets = Object.values(valueSets).flat();

// cqm-models has QDM 5.6 alone. Data types of other versions are made here of what MODEL.json says of them: attributes
// with their types, as ecqm writes these. For 5.6 it is null, and nothing is changed.
const model = JSON.parse(fs.readFileSync(modelFile, 'utf8'));
if (model) {
  const source = path.join(folder, '..', 'cqm-models', 'app/assets/javascripts');
  const base = name => require(path.join(source, 'basetypes', name));
  const mongoose = require(require.resolve('mongoose/browser', { paths: [source] }));
  const dataTypes = require(path.join(source, 'AllDataElements'));
  const simple = { Code: base('Code'), DateTime: base('DateTime'), Date: base('QDMDate'), Quantity: base('Quantity'),
    String: mongoose.Schema.Types.String, Integer: mongoose.Schema.Types.Number, Decimal: mongoose.Schema.Types.Number };
  const typed = text => {
    const list = /^List<(.*)>$/.exec(text);
    if (list) return [typed(list[1])];
    if (text.startsWith('Interval<')) return base('Interval');
    if (text.startsWith('Choice<')) return text.includes('Practitioner') ? base('AnyEntity') : base('Any');
    const [owner, name] = text.split('.');
    return owner === 'QDM' ? part(name) : simple[name] || base('Any');
  };
  const fieldsOf = attributes => Object.fromEntries(Object.entries(attributes).map(([name, text]) => [name, typed(text)]));
  const part = name => new mongoose.Schema({ ...fieldsOf(model.parts[name]), _type: String, qdmVersion: String }, { id: false });
  for (const [name, attributes] of Object.entries(model.types)) {
    const schema = base('DataElement').DataElementSchema({ ...fieldsOf(attributes), _type: String, qdmVersion: String });
    dataTypes[name] = class extends mongoose.Document {
      constructor(element) {
        super(element, schema);
        this._type = `QDM::${name}`;
      }
    };
  }
}

const PARTS = /^QDM::(Component|ResultComponent|FacilityLocation|DiagnosisComponent|Identifier|Entity|PatientEntity|CarePartner|Practitioner|Organization|Location)$/;

const plain = require('./plain_values')(value => {
  if (typeof value._type === 'string') return PARTS.test(value._type) ? 'element' : `${value._type.replace('QDM::', '')}/${value.id}`;
  if (value.birthDatetime !== undefined && Object.keys(value).length === 1) return 'patient';
});

const POPULATIONS = ['IPP', 'DENOM', 'DENEX', 'NUMER', 'NUMEX', 'DENEXCEP', 'MSRPOPL', 'MSRPOPLEX', 'STRAT'];

function ofSet(result) {
  const statements = {};
  for (const [library, of] of Object.entries(result.statement_results)) {
    for (const [name, each] of Object.entries(of)) statements[`${library}.${name}`] = each.final;
  }
  const counts = Object.fromEntries(POPULATIONS.filter(name => name in result).map(name => [name, result[name]]));
  return { counts, observations: (result.observation_values || []).map(plain), episodes: result.episode_results || null, statements };
}

const now = () => cql.DateTime.fromJSDate(new Date(), 0);

function period(measure) {
  const [start, end] = ['low', 'high'].map(bound =>
    cql.DateTime.fromJSDate(CalculatorHelpers.parseTimeStringAsUTC(measure.measure_period[bound].value), 0));
  return { 'Measurement Period': new cql.Interval(start, end) };
}

// The values of all definitions of every library, evaluated as if it were the measure's own. One that cannot be
// evaluated for a patient is an error, and does not keep the others from it.
async function values(patients) {
  const measure = JSON.parse(measureText);
  const elm = CalculatorHelpers.setValueSetVersionsToUndefined(measure.cql_libraries.map(library => library.elm));
  const repository = new cql.Repository(elm);
  const codes = new cql.CodeService(CalculatorHelpers.valueSetsForCodeService(valueSets));
  const found = patients.map(() => ({}));
  for (const { library } of elm) {
    const { id, version } = library.identifier;
    const resolved = elm.length > 1 ? repository.resolve(id, version) : new cql.Library(elm[0]);
    const executor = new cql.Executor(resolved, codes, period(measure));
    for (const [place, patient] of patients.entries()) {
      models.QDMPatientSchema.clearDataElementCache();
      found[place][id] = await evaluated(executor, resolved, patient);
    }
  }
  return found;
}

async function evaluated(executor, library, patient) {
  const told = {};
  try {
    const { patientResults } = await executor.exec(new PatientSource([patient]), now());
    for (const [name, value] of Object.entries(patientResults[patient._id] || {})) told[name] = plain(value);
  } catch {
    for (const [name, definition] of Object.entries(library.expressions)) {
      if (definition.context !== 'Patient') continue;
      try {
        const { patientResults } = await executor.exec_expression(name, new PatientSource([patient]), now());
        told[name] = plain(patientResults[patient._id][name]);
      } catch (error) {
        told[name] = { error: message(error) };
      }
    }
  }
  return told;
}

async function counted(texts) {
  const patients = texts.map(read);
  const results = await Calculator.calculate(JSON.parse(measureText), patients, valueSets, {});
  return patients.map(patient => ({
    sets: Object.fromEntries(Object.entries(results[patient._id]).map(([name, result]) => [name, ofSet(result)])),
  }));
}

const read = text => new models.QDMPatient(JSON.parse(text));

// Setting up costs as much as some patients, so that they come together; one that fails must not take the others with it.
const TOGETHER = 40;

async function populations(texts) {
  try {
    return await counted(texts);
  } catch (error) {
    if (texts.length === 1) return [{ error: message(error) }];
    const middle = texts.length >> 1;
    return [...(await populations(texts.slice(0, middle))), ...(await populations(texts.slice(middle)))];
  }
}

// An error of cql-execution says in its cause what went wrong, and where.
const message = error => {
  const place = error.expressionName ? `${error.libraryName}.${error.expressionName}: ` : '';
  const cause = error.cause || error;
  return place + String(cause.message || cause).split('\n')[0];
};

(async () => {
  console.log = console.info = console.warn = () => {};
  const lines = fs.readFileSync(patientsFile, 'utf8').split('\n').filter(Boolean);
  for (let at = 0; at < lines.length; at += TOGETHER) {
    const texts = lines.slice(at, at + TOGETHER);
    const found = await values(texts.map(read));
    for (const [place, answer] of (await populations(texts)).entries()) {
      process.stdout.write(JSON.stringify({ ...answer, values: found[place] }) + '\n');
    }
  }
})();
