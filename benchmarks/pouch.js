// PouchDB on disk: `fill DOCUMENTS.json DATABASE`, then `replicate DATABASE TARGET`, each with the package's path behind.
// Prints {seconds, cpu} of what it did.
const fs = require('fs');
const [, , what, source, target, packagePath] = process.argv;
const PouchDB = require(packagePath);

async function fill() {
  const documents = JSON.parse(fs.readFileSync(source, 'utf8'));
  const database = new PouchDB(target);
  for (let start = 0; start < documents.length; start += 5000) {
    await database.bulkDocs(documents.slice(start, start + 5000));
  }
  await database.close();
}

async function replicate() {
  const here = new PouchDB(source);
  const there = new PouchDB(target);
  const result = await here.replicate.to(there, { batch_size: 1000 });
  const { doc_count: count } = await here.info();
  if (!result.ok || result.docs_written !== count) throw new Error(JSON.stringify(result));
}

async function main() {
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  await { fill, replicate }[what]();
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const used = process.cpuUsage(cpu);
  console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6 }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
