// PouchDB: replicates documents from one database on disk to an empty one. Arguments: documents as JSON, a folder.
// Prints {seconds, cpu} of the replication.
const fs = require('fs');
const path = require('path');
const PouchDB = require(process.argv[4]);

async function main(documents, folder) {
  const here = new PouchDB(path.join(folder, 'here'));
  const there = new PouchDB(path.join(folder, 'there'));
  for (let start = 0; start < documents.length; start += 5000) {
    await here.bulkDocs(documents.slice(start, start + 5000));
  }
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  const result = await here.replicate.to(there, { batch_size: 1000 });
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const used = process.cpuUsage(cpu);
  if (!result.ok || result.docs_written !== documents.length) throw new Error(JSON.stringify(result));
  console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6 }));
}

main(JSON.parse(fs.readFileSync(process.argv[2], 'utf8')), process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
